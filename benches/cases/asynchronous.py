"""Asynchronous calls and queues: accepted and run a second, how soon an accepted call runs, and messages through a queue."""

import contextlib
import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from commands import Failed
from harness import aws, load, machine, servers
from harness.bench import Bench, running
from harness.client import Client
from harness.report import Report, Series, Table, number

CONNECTIONS = [1, 16, 64]
EVENT = json.dumps({"order": 17, "note": "x" * 200})
BODY = "x" * 200
# A function that tells when it runs, and one that has nothing to do.
TELLS = "export const handler = (event) => fetch(`http://${process.env.CLOCK}/${event.id}`, { method: 'POST' }).then(() => null);"
NOTHING = "export const handler = async () => null;"
EMPTY_WITHIN = 60
# Calls of the pile that is run, and how many connections put it there.
PILE = 500
SENDERS = 10


def run(bench: Bench) -> Report:
    report = Report()
    with running({"plinth": lambda: servers.Plinth(bench)}) as started:
        server = started["plinth"]
        _accepted(bench, report, server)
        _run(bench, report, server)
        _latency(bench, report, server)
        _sent(bench, report, server)
        _through(bench, report, server)
    return report


def _accepted(bench: Bench, report: Report, server) -> None:
    """Calls that are accepted while those before them run. Far more are accepted than run, so what is left of a turn is removed."""
    server.deploy("nothing", NOTHING)
    path = _invocations("nothing")
    rows = []
    for connections in CONNECTIONS:
        turns = []
        for _ in range(bench.rounds):
            one = load.put(server, path, connections, bench.seconds, headers=_signed(server, path, EVENT.encode()), body=EVENT)
            _remove_what_waits(server)
            if one.failed:
                raise Failed(f"{one.failed} asynchronous calls were not accepted")
            turns.append(one)
        rows.append([str(connections), *_figures(turns)])
    columns = ["connections", "accepted a second", "p50 ms", "p99 ms"]
    notes = ["each is synced to the disk before it is answered, and they run meanwhile, at most as many at once as `functions.max_events` says",
             "what has not run at the end of a turn is removed",
             f"`fdatasync` of 4 KiB: {number(1 / statistics.median(machine.flush_times(bench.folder)))}/s"]  # fmt: skip
    report.tables.append(Table("Asynchronous calls, accepted", columns, rows, notes))


def _run(bench: Bench, report: Report, server) -> None:
    """A pile of calls, from the moment the first is sent until the last has run."""
    rates, putting = [], []
    for _ in range(bench.rounds):
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as pool:
            # Taken one by one, since a failure shows itself only to whoever takes its result.
            list(pool.map(lambda count: _put_calls(server, "nothing", count), [PILE // SENDERS] * SENDERS))
        putting.append(time.perf_counter() - began)
        _until_empty(server)
        rates.append(PILE / (time.perf_counter() - began))
    notes = ["from before the first call is sent until the last has run: they run while others are still sent",
             "the senders are threads of one Python process"]  # fmt: skip
    row = [str(PILE), Series(rates).shown(), Series(putting).shown()]
    report.tables.append(Table("Asynchronous calls, run", ["calls", "run a second", "s until all were accepted"], [row], notes))


def _latency(bench: Bench, report: Report, server) -> None:
    """From the 202 to the function's first word."""
    with _clock() as (host, heard):
        server.deploy("tells", TELLS, {"env": {"CLOCK": host}, "network": [host]})
        waits = []
        with Client(server.port) as client:
            for number_of in range(20 + bench.samples * 5):
                _call(server, client, "tells", json.dumps({"id": str(number_of)}).encode())
                accepted = time.perf_counter()
                waits.append((heard(str(number_of)) - accepted) * 1000)
    waits = sorted(waits[20:])
    row = ["accepted to running", str(len(waits)), number(waits[len(waits) // 2]), number(waits[len(waits) * 99 // 100]), number(waits[-1])]
    notes = ["one at a time; the function says so by an HTTP request of its own, which is in the time"]
    report.tables.append(Table("Asynchronous calls, how soon they run", ["", "samples", "p50 ms", "p99 ms", "max ms"], [row], notes))


def _sent(bench: Bench, report: Report, server) -> None:
    url = _queue(server, "sent")
    rows = []
    body = json.dumps({"QueueUrl": url, "MessageBody": BODY})
    for connections in CONNECTIONS:
        turns = []
        for _ in range(bench.rounds):
            turns.append(load.put(server, "/sqs/", connections, bench.seconds, headers=_headers(server, "SendMessage", body), body=body))
        rows.append([str(connections), *_figures(turns)])
    report.tables.append(Table("Messages sent, one a request, each synced", ["connections", "messages/s", "p50 ms", "p99 ms"], rows))


def _through(bench: Bench, report: Report, server) -> None:
    """Messages that go all the way: sent, received and deleted, ten a request."""
    rows = []
    for pairs in (1, 4):
        rates, ages = [], []
        for turn in range(bench.rounds):
            url = _queue(server, f"through-{pairs}-{turn}")
            stop = time.perf_counter() + bench.seconds
            counts, waits = [], []
            threads = [threading.Thread(target=_send_until, args=(server, url, stop)) for _ in range(pairs)]
            threads += [threading.Thread(target=_receive_until, args=(server, url, stop, counts, waits)) for _ in range(pairs)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rates.append(sum(counts) / bench.seconds)
            ages += waits
        ages.sort()
        rows.append([str(pairs), Series(rates).shown(), number(ages[len(ages) // 2]), number(ages[len(ages) * 99 // 100])])
    columns = ["senders, and receivers", "messages/s through", "p50 ms", "p99 ms"]
    notes = ["batches of ten; a receiver deletes what it got before it asks for more; ms from just before a batch is sent to its being received",
             "the senders and receivers are threads of one Python process, which is what bounds them"]  # fmt: skip
    report.tables.append(Table("Messages through a queue", columns, rows, notes))


def _figures(turns: list[load.Load]) -> list[str]:
    return [Series(of).shown() for of in ([one.rate for one in turns], [one.p50_ms for one in turns], [one.p99_ms for one in turns])]


def _put_calls(server, function: str, count: int) -> None:
    with Client(server.port) as client:
        for _ in range(count):
            _call(server, client, function, EVENT.encode())


def _call(server, client: Client, function: str, event: bytes) -> None:
    path = _invocations(function)
    if (status := client.send("POST", path, _signed(server, path, event), event).status) != 202:
        raise Failed(f"an asynchronous call was not accepted: {status}")


def _invocations(function: str) -> str:
    return f"/2015-03-31/functions/{function}/invocations"


def _signed(server, path: str, event: bytes) -> dict[str, str]:
    return aws.signed("lambda", server.port, path, event, server.access_key, {"x-amz-invocation-type": "Event"})


def _send_until(server, url: str, stop: float) -> None:
    with Client(server.port) as client:
        while time.perf_counter() < stop:
            entries = [{"Id": str(at), "MessageBody": f"{time.perf_counter()} {BODY}"} for at in range(10)]
            _sqs(server, client, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})


def _receive_until(server, url: str, stop: float, counts: list[int], waits: list[float]) -> None:
    count = 0
    with Client(server.port) as client:
        while time.perf_counter() < stop:
            got = _sqs(server, client, "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}).get("Messages", [])
            now = time.perf_counter()
            waits += [(now - float(one["Body"].split()[0])) * 1000 for one in got]
            entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(got)]
            if entries:
                count += len(_sqs(server, client, "DeleteMessageBatch", {"QueueUrl": url, "Entries": entries})["Successful"])
    counts.append(count)


def _queue(server, name: str) -> str:
    with Client(server.port) as client:
        return _sqs(server, client, "CreateQueue", {"QueueName": name})["QueueUrl"]


def _sqs(server, client: Client, operation: str, content: dict) -> dict:
    body = json.dumps(content)
    answer = client.send("POST", "/sqs/", _headers(server, operation, body), body.encode())
    if answer.status != 200:
        raise Failed(f"{operation} is answered {answer.status}: {answer.body.decode(errors='replace')}")
    return json.loads(answer.body)


def _headers(server, operation: str, body: str) -> dict[str, str]:
    return aws.signed("sqs", server.port, "/sqs/", body.encode(), server.access_key, {"x-amz-target": f"AmazonSQS.{operation}"})


def _remove_what_waits(server) -> None:
    """Removes what has not run yet, and lets end what runs."""
    for state in ("pending", "retrying"):
        server.admin("DELETE", f"/admin/v1/invocations?state={state}")
    _until_empty(server)


def _until_empty(server) -> None:
    """Waits until no call waits or runs any more."""
    end = time.perf_counter() + EMPTY_WITHIN
    while any(server.admin("GET", f"/admin/v1/invocations?state={state}&limit=1")["invocations"] for state in ("pending", "running", "retrying")):
        if time.perf_counter() > end:
            raise Failed(f"the calls were not over within {EMPTY_WITHIN} s")
        time.sleep(0.02)


@contextlib.contextmanager
def _clock():
    """A server that notes when a path was asked for: its host, and what waits for a path and gives the moment."""
    moments: dict[str, float] = {}
    changed = threading.Condition()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            now = time.perf_counter()
            self.send_response(204)
            self.send_header("content-length", "0")
            self.end_headers()
            with changed:
                moments[self.path.strip("/")] = now
                changed.notify_all()

        def log_message(self, *_) -> None:
            pass

    def heard(name: str) -> float:
        with changed:
            if not changed.wait_for(lambda: name in moments, 30):
                raise Failed("an asynchronous call did not run")
            return moments[name]

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{httpd.server_address[1]}", heard
    finally:
        httpd.shutdown()
