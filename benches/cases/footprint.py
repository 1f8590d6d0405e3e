"""Memory of the idle server and of an idle environment, and the time from start to ready."""

import statistics
import time

from commands import Failed
from harness import load, processes, servers
from harness.bench import PEERS, Bench, running
from harness.client import Client
from harness.report import Report, Series, Table, Verdict, number

ENVIRONMENTS = 8
CALLS = 20
SETTLE = 2.0
WORKER = "function-worker"
COLUMNS = ["", "resident MB", "proportional MB", "private MB"]
PRIVATE_MB, RESIDENT_MB, READY_MS = 10, 60, 200


def run(bench: Bench) -> Report:
    report = Report()
    _start(bench, report)
    _server(bench, report)
    _environment(bench, report)
    return report


def _start(bench: Bench, report: Report) -> None:
    """Each round starts on an empty folder, and then again on the same one."""
    first, again, node, workerd = [], [], [], []
    for _ in range(bench.rounds):
        data = bench.new_folder("plinth")
        for times in (first, again):
            server = servers.Plinth(bench, data)
            times.append(server.ready_ms)
            server.stop()
        for start, times in ((servers.node, node), (servers.workerd, workerd)):
            server = start(bench)
            server.wait_for("/")
            times.append((time.perf_counter() - server.started) * 1e3)
            server.stop()
    rows = [
        ["plinth, empty data folder", Series(first).shown()],
        ["plinth, started again", Series(again).shown()],
        ["node, trivial http server", Series(node).shown()],
        ["workerd, one trivial worker", Series(workerd).shown()],
    ]
    ready = "Ready is the first 200 of `/health/ready` (of `/` for the peers)."
    made = "The first start makes the keys and the tables; V8's snapshot is made with the first worker."
    report.tables.append(Table("Start to ready", ["", "ms"], rows, [f"{ready} {made}"]))
    for what, times in (("start to ready", again), ("first start on an empty folder, to ready", first)):
        median = Series(times).median
        report.verdicts.append(Verdict(what, f"≤ {READY_MS} ms", f"{number(median)} ms", median <= READY_MS))


def _server(bench: Bench, report: Report) -> None:
    """A server that has answered a few requests and has no function; and what load leaves behind."""
    starters = {
        "plinth": lambda: servers.Plinth(bench),
        "node": lambda: servers.node(bench),
        "workerd": lambda: servers.workerd(bench),
    }
    with running(starters) as started:
        for server in started.values():
            _call(server, _path(server), {})
        time.sleep(SETTLE)
        before = {name: processes.memory(server.pid) for name, server in started.items()}
        rows = []
        for name, server in started.items():
            rows.append(_row(name, [before[name]]))
            put = load.put(server, _path(server), 64, 2 * bench.seconds)
            time.sleep(SETTLE)
            after = processes.memory(server.pid)
            rows.append(_row(f"{name}, after {put.rate * 2 * bench.seconds:,.0f} requests", [after]))
    report.tables.append(Table("Memory of an idle server without functions", COLUMNS, rows))
    resident = before["plinth"]["rss"]
    met = resident <= RESIDENT_MB
    report.verdicts.append(Verdict("server without functions", f"≤ {RESIDENT_MB} MB resident", f"{number(resident)} MB", met))


def _environment(bench: Bench, report: Report) -> None:
    """Without spares every worker that lives is an environment with a function in it; without calls, a spare."""
    source = (PEERS / "worker.js").read_text()
    with running({"none": lambda: servers.Plinth(bench, functions_spares=0), "spares": lambda: servers.Plinth(bench)}) as started:
        for index in range(ENVIRONMENTS):
            name = f"idle-{index}"
            started["none"].deploy(name, f"// {index}\n{source}")
            _call(started["none"], f"/functions/v1/{name}", started["none"].anon)
        started["spares"].deploy("never-called", source)
        time.sleep(SETTLE)
        environments, spares = ([processes.memory(pid) for pid in _workers(started[name].pid)] for name in ("none", "spares"))
    if len(environments) < ENVIRONMENTS:
        raise Failed(f"{ENVIRONMENTS} functions were called, but only {len(environments)} environments live")
    rows = [_row("environment, initialised", environments), _row("spare, without code", spares)]
    idle = f"Each of the {len(environments)} environments had answered {CALLS} calls and was idle for {SETTLE:.0f} s."
    notes = [f"{idle} Private is `Private_*` of `smaps_rollup`."]
    report.tables.append(Table("Memory of an idle worker process", COLUMNS, rows, notes))
    private = statistics.median(one["private"] for one in environments)
    met = private <= PRIVATE_MB
    report.verdicts.append(Verdict("idle initialised environment", f"≤ {PRIVATE_MB} MB private", f"{number(private)} MB", met))


def _path(server: servers.Server) -> str:
    return "/health/live" if server.name == "plinth" else "/"


def _call(server: servers.Server, path: str, headers: dict[str, str]) -> None:
    with Client(server.port) as client:
        for _ in range(CALLS):
            status = client.send("GET", path, headers).status
            if status != 200:
                raise Failed(f"{server.name} answered {path} with {status}")


def _workers(pid: int) -> list[int]:
    return [child for child in processes.tree(pid)[1:] if WORKER in processes.command_line(child)]


def _row(name: str, found: list[dict[str, float]]) -> list[str]:
    if not found:
        return [name, "–", "–", "–"]
    return [name, *(Series(one[kind] for one in found).shown() for kind in ("rss", "pss", "private"))]
