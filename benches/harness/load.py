"""Load from wrk: one thread, so that what remains of the machine is the server's."""

import dataclasses
import json
import resource
import subprocess
import tempfile

from commands import Failed

from . import processes
from .bench import PEERS
from .report import Series, Table, number


@dataclasses.dataclass
class Load:
    """What one turn of load came to."""

    rate: float
    """Good answers (2xx or 3xx) a second."""
    p50_ms: float
    p99_ms: float
    failed: int
    """Answers of 400 and above, and requests without an answer."""
    cpu_us: float
    """CPU time the server's processes used for one request, in microseconds."""
    load_cpu: float
    """Cores that wrk itself used; near 1 its only thread is the limit."""


def put(server, path: str, connections: int, seconds: int, headers: dict[str, str] | None = None, body: str = "", most: int = 1, method: str = "") -> Load:
    """Sends requests over keep-alive connections for a time, each as soon as the one before is answered.

    `body` makes it a POST of JSON, unless there is a `method`. In the path and the body `{n}` differs in every request, and `{r}` (`{r14}` with fourteen digits) is a number
    from 1 to `most` by chance.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(PEERS / "wrk.lua")]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    quoted = path.replace("{", "%7B").replace("}", "%7D")
    # A body may be longer than an argument can be.
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(body)
        file.flush()
        command += [f"http://127.0.0.1:{server.port}{quoted}", "--", file.name, str(most), method]
        return _run(server, path, command)


def _run(server, path: str, command: list[str]) -> Load:
    server_before, load_before = processes.cpu_seconds(server.pid), _children_cpu()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    server_cpu, load_cpu = processes.cpu_seconds(server.pid) - server_before, _children_cpu() - load_before
    if done.returncode != 0:
        raise Failed(f"wrk failed: {done.stderr or done.stdout}")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    requests, elapsed = figures["requests"], figures["seconds"]
    failed = figures["refused"] + figures["broken"]
    good = requests - figures["refused"]
    if good <= 0:
        raise Failed(f"{server.name} gave no good answer to {path} ({requests} answers, {figures['broken']} broken)")
    return Load(good / elapsed, figures["p50_ms"], figures["p99_ms"], failed, server_cpu / requests * 1e6, load_cpu / elapsed)


def warm_up(server, path: str, quick: bool, **request) -> None:
    put(server, path, connections=16, seconds=1 if quick else 3, **request)


def median_rate(turns: list[Load]) -> float:
    return Series(one.rate for one in turns).median


def median_cpu(turns: list[Load]) -> float:
    return Series(one.cpu_us for one in turns).median


def table(title: str, turns: dict[str, list[Load]], notes: list[str]) -> Table:
    """One row a server: the medians of its turns, with their spread."""
    rows = [
        [
            name,
            Series(one.rate for one in mine).shown(),
            Series(one.p50_ms for one in mine).shown(),
            Series(one.p99_ms for one in mine).shown(),
            Series(one.cpu_us for one in mine).shown(),
            number(Series(one.load_cpu for one in mine).median),
            str(sum(one.failed for one in mine)),
        ]
        for name, mine in turns.items()
    ]
    return Table(title, ["", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "wrk's cores", "failed"], rows, notes)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
