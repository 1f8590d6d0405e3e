"""A warm call of a trivial function, beside workerd and Deno with the same function and Node's http server; ours also with calls side by side."""

from commands import Failed
from harness import load, servers
from harness.bench import PEERS, Bench, running
from harness.client import Client
from harness.report import Report, Verdict, number, ratio

CONNECTIONS = [1, 16, 64]
BUDGET = 1.5
# The same server's function whose calls share environments.
BESIDE = "plinth, side by side"


def run(bench: Bench) -> Report:
    starters = {
        "plinth": lambda: servers.Plinth(bench),
        "workerd": lambda: servers.workerd(bench),
        "deno": lambda: servers.deno(bench),
        "node": lambda: servers.node(bench),
    }
    report = Report()
    with running(starters) as started:
        started["plinth"].deploy("trivial", (PEERS / "worker.js").read_text())
        started["plinth"].deploy("together", (PEERS / "worker.js").read_text(), {"concurrency_per_environment": 16})
        requests = {name: {"path": "/"} for name in started}
        requests["plinth"] = {"path": "/functions/v1/trivial", "headers": started["plinth"].anon}
        started[BESIDE] = started["plinth"]
        requests[BESIDE] = {"path": "/functions/v1/together", "headers": started["plinth"].anon}
        for name, server in started.items():
            _check(server, **requests[name])
            load.warm_up(server, quick=bench.quick, **requests[name])
        for connections in CONNECTIONS:
            turns = {name: [] for name in started}
            for _, name in bench.turns(list(started)):
                turns[name].append(load.put(started[name], connections=connections, seconds=bench.seconds, **requests[name]))
            _add(report, connections, turns)
    return report


def _check(server: servers.Server, path: str, headers: dict[str, str] | None = None) -> None:
    with Client(server.port) as client:
        answer = client.send("GET", path, headers)
    if (answer.status, answer.body) != (200, b"ok"):
        raise Failed(f"{server.name} answered {path} with {answer.status}: {answer.body.decode(errors='replace')}")


def _add(report: Report, connections: int, turns: dict[str, list[load.Load]]) -> None:
    ours, workerd, deno, node = (load.median_rate(turns[name]) for name in ("plinth", "workerd", "deno", "node"))
    cost = ratio(load.median_cpu(turns["plinth"]), load.median_cpu(turns["workerd"]))
    rates = f"requests/s: plinth ÷ workerd {ratio(ours, workerd)}, plinth ÷ deno {ratio(ours, deno)}, plinth ÷ node {ratio(ours, node)}"
    rates += f"; side by side ÷ workerd {ratio(load.median_rate(turns[BESIDE]), workerd)}"
    plural = "s" if connections > 1 else ""
    title = f"Warm call, {connections} connection{plural}"
    report.tables.append(load.table(title, turns, [f"{rates}; CPU per request: plinth ÷ workerd {cost}"]))
    if connections > 1:
        met = ours >= BUDGET * workerd and not any(one.failed for one in turns["plinth"])
        measured = f"{ratio(ours, workerd)} ({number(ours)}/s against {number(workerd)}/s)"
        budget = f"≥ {BUDGET} × workerd's requests/s"
        report.verdicts.append(Verdict(f"warm call, {connections} connections", budget, measured, met))
