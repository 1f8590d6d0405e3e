"""Memory of 1, 10 and 50 functions that have been called and are idle, beside workerd's loader and as many processes of Node and Deno.

What one more costs is the difference to none, divided by their number, of the proportional memory: pages that processes share count
once. Private memory is what ending one process would give back.
"""

import contextlib
import statistics
import time

from commands import Failed
from harness import processes, servers
from harness.bench import PEERS, Bench, running
from harness.client import Client
from harness.report import Report, Table, number

COUNTS = [1, 10, 50]
QUICK_COUNTS = [1, 5]
CALLS = 20
SETTLE = 3.0


def run(bench: Bench) -> Report:
    counts = QUICK_COUNTS if bench.quick else COUNTS
    rows = [*_plinth(bench, counts), *_workerd(bench, counts)]
    rows += _processes(bench, counts, "node", servers.node)
    rows += _processes(bench, counts, "deno", servers.deno)
    notes = [
        f"each had answered {CALLS} calls and was idle for {SETTLE:.0f} s; the server's own processes are in the whole",
        "a function of Plinth is a process in a sandbox, one of workerd's loader an isolate in the one process",
    ]
    report = Report()
    columns = ["", "functions", "MB of one more", "MB in all", "private MB of a process"]
    report.tables.append(Table("Memory of idle functions", columns, rows, notes))
    return report


def _plinth(bench: Bench, counts: list[int]) -> list[list[str]]:
    """Without spares every worker that lives is an environment with a function in it."""
    starters = {"plinth": lambda: servers.Plinth(bench, functions_spares=0, functions_max_environments=max(counts))}
    source = (PEERS / "worker.js").read_text()
    with running(starters) as started:
        server = started["plinth"]
        names = [f"idle-{index}" for index in range(max(counts))]
        for name in names:
            server.deploy(name, f"// {name}\n{source}")
        time.sleep(SETTLE)
        return _grown(server, "plinth", counts, lambda index: f"/functions/v1/{names[index]}", server.anon)


def _workerd(bench: Bench, counts: list[int]) -> list[list[str]]:
    with running({"workerd": lambda: servers.workerd(bench, "loader.capnp")}) as started:
        server = started["workerd"]
        with Client(server.port) as client:
            client.send("GET", "/warms-the-loading-worker-itself")
        time.sleep(SETTLE)
        return _grown(server, "workerd, worker loader", counts, lambda index: f"/idle-{index}")


def _grown(server: servers.Server, name: str, counts: list[int], path, headers: dict[str, str] | None = None) -> list[list[str]]:
    """Calls one function after the other, and looks at the memory whenever there are so many."""
    without, called, rows = _whole([server]), 0, []
    for count in counts:
        with Client(server.port) as client:
            for index in range(called, count):
                for _ in range(CALLS):
                    _expect(server, client.send("GET", path(index), headers))
        called = count
        time.sleep(SETTLE)
        whole = _whole([server])
        workers = processes.tree(server.pid)[1:]
        rows.append([name, str(count), number((whole - without) / count), number(whole), _private(workers)])
    return rows


def _processes(bench: Bench, counts: list[int], name: str, start) -> list[list[str]]:
    """As many servers, each a process with the trivial function."""
    rows = []
    with contextlib.ExitStack() as stack:
        started = []
        for count in counts:
            while len(started) < count:
                server = start(bench)
                stack.callback(server.stop)
                started.append(server)
                with Client(server.port) as client:
                    for _ in range(CALLS):
                        _expect(server, client.send("GET", "/"))
            time.sleep(SETTLE)
            whole = _whole(started)
            private = _private([server.pid for server in started])
            rows.append([f"{name}, a process each", str(count), number(whole / count), number(whole), private])
    return rows


def _expect(server: servers.Server, answer) -> None:
    if (answer.status, answer.body) != (200, b"ok"):
        raise Failed(f"{server.name} answered {answer.status}: {answer.body.decode(errors='replace')}")


def _whole(started: list[servers.Server]) -> float:
    """Proportional MB of servers with all their processes."""
    return sum(processes.memory(pid)["pss"] for server in started for pid in processes.tree(server.pid))


def _private(pids: list[int]) -> str:
    """Private MB of the median process."""
    return number(statistics.median(processes.memory(pid)["private"] for pid in pids)) if pids else "–"
