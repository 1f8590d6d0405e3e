"""A cold call: the first call of a function that has never run, from the request to the answer's first byte.

With a spare ready, the peer is workerd's worker loader, which makes an isolate in its own process for code it has not seen.
Without one a process is started for the call; the peers are the start of a Node, of a Deno and of a workerd process until the
first byte of their first answer. No peer has Plinth's sandbox around the code.
"""

import statistics
import time
from collections import defaultdict

from commands import Failed
from harness import servers
from harness.bench import PEERS, Bench
from harness.client import Client
from harness.report import Report, Series, Table, Verdict, number, percentile, ratio

PHASES = ["download", "environment", "init", "handler"]
# A spare is started as soon as one is taken; the next call comes when it is there.
GAP = 0.25
SETTLE = 1.0
READY_P50, READY_P99, SPAWNED_P50 = 2.5, 10.0, 15.0

WITH_SPARE, LOADER = "plinth, spare ready", "workerd, worker loader"
WITHOUT_SPARE = "plinth, no spare"
NODE, DENO, WORKERD = "node, process start", "deno, process start", "workerd, process start"


class Samples:
    """The first-byte times of all rounds, in milliseconds, and what the server says of its phases."""

    def __init__(self):
        self.rounds = []
        self.phases = defaultdict(list)

    @property
    def all(self) -> list[float]:
        return [time for times in self.rounds for time in times]


def run(bench: Bench) -> Report:
    measure = {
        WITH_SPARE: lambda samples: _plinth(bench, samples, spares=2),
        LOADER: lambda samples: _loader(bench, samples),
        WITHOUT_SPARE: lambda samples: _plinth(bench, samples, spares=0),
        NODE: lambda samples: _process(bench, samples, servers.node),
        DENO: lambda samples: _process(bench, samples, servers.deno),
        WORKERD: lambda samples: _process(bench, samples, servers.workerd),
    }
    samples = {name: Samples() for name in measure}
    for _, name in bench.turns(list(measure)):
        measure[name](samples[name])
    return _report(samples)


def _plinth(bench: Bench, samples: Samples, spares: int) -> None:
    """A server with an empty folder in each round, so that no function was ever seen by it."""
    server = servers.Plinth(bench, functions_spares=spares, functions_max_environments=bench.samples + 8)
    try:
        source = (PEERS / "worker.js").read_text()
        names = [f"cold-{number}" for number in range(bench.samples)]
        for name in names:
            server.deploy(name, f"// {name}\n{source}")
        time.sleep(SETTLE)
        times = []
        with Client(server.port) as client:
            for name in names:
                answer = client.send("GET", f"/functions/v1/{name}", server.anon)
                if answer.status != 200 or answer.body != b"ok":
                    raise Failed(f"the cold call of {name} was answered {answer.status}: {answer.body.decode(errors='replace')}")
                phases = answer.phases()
                if not phases.get("init"):
                    raise Failed(f"the call of {name} was to be cold, but its phases are {phases}")
                for phase in PHASES:
                    samples.phases[phase].append(phases.get(phase, 0.0))
                times.append(answer.first_byte * 1e3)
                time.sleep(GAP)
        samples.rounds.append(times)
    finally:
        server.stop()


def _loader(bench: Bench, samples: Samples) -> None:
    server = servers.workerd(bench, "loader.capnp")
    try:
        time.sleep(SETTLE)
        times = []
        with Client(server.port) as client:
            client.send("GET", "/warms-the-loading-worker-itself")
            for sample in range(bench.samples):
                times.append(client.send("GET", f"/cold-{sample}").first_byte * 1e3)
                time.sleep(GAP)
        samples.rounds.append(times)
    finally:
        server.stop()


def _process(bench: Bench, samples: Samples, start) -> None:
    """From asking for the process to the first byte of its first answer."""
    times = []
    for _ in range(max(4, bench.samples // 4)):
        server = start(bench)
        try:
            with Client(server.port) as client:
                client.send("GET", "/")
                times.append((time.perf_counter() - server.started) * 1e3)
        finally:
            server.stop()
    samples.rounds.append(times)


def _report(samples: dict[str, Samples]) -> Report:
    report = Report()
    rows = []
    for name, mine in samples.items():
        medians = Series(statistics.median(times) for times in mine.rounds)
        rows.append([name, str(len(mine.all)), medians.shown(), number(percentile(mine.all, 0.99)), number(max(mine.all))])
    ready, loader, spawned = (statistics.median(samples[name].all) for name in (WITH_SPARE, LOADER, WITHOUT_SPARE))
    node, deno, workerd = (statistics.median(samples[name].all) for name in (NODE, DENO, WORKERD))
    notes = [
        f"with a spare: plinth ÷ workerd's loader {ratio(ready, loader)}",
        f"without: plinth ÷ node {ratio(spawned, node)}, plinth ÷ deno {ratio(spawned, deno)}, plinth ÷ workerd {ratio(spawned, workerd)}",
    ]
    report.tables.append(Table("Cold call, request to first byte", ["", "samples", "p50 ms", "p99 ms", "max ms"], rows, notes))
    report.tables.append(_phases(samples))
    p99 = percentile(samples[WITH_SPARE].all, 0.99)
    against = f"{number(ready)} ms (workerd's loader {number(loader)})"
    report.verdicts = [
        Verdict("cold call, spare ready: p50", f"≤ {READY_P50} ms", against, ready <= READY_P50),
        Verdict("cold call, spare ready: p99", f"≤ {READY_P99:.0f} ms", f"{number(p99)} ms", p99 <= READY_P99),
        Verdict("cold call, no spare: p50", f"≤ {SPAWNED_P50:.0f} ms", f"{number(spawned)} ms", spawned <= SPAWNED_P50),
    ]
    return report


def _phases(samples: dict[str, Samples]) -> Table:
    """What `Server-Timing` said, and what is left: HTTP, identifying the caller, finding the function, and the way there and back."""
    rows = []
    for name in (WITH_SPARE, WITHOUT_SPARE):
        medians = [statistics.median(samples[name].phases[phase]) for phase in PHASES]
        rest = statistics.median(samples[name].all) - sum(medians)
        rows.append([name, *(number(median) for median in medians), number(rest)])
    return Table("The server's own phases of those calls, p50 ms", ["", *PHASES, "the rest"], rows)
