"""Static files of 1 KiB and 64 KiB over keep-alive connections, beside nginx."""

from commands import Failed
from harness import client, load, servers
from harness.bench import Bench, running
from harness.report import Report, Verdict, number, ratio

FILES = {"1 KiB": ("/1k.txt", 1 << 10), "64 KiB": ("/64k.txt", 64 << 10)}
LINE = b"A line of text, thirty-two long\n"
CONNECTIONS = 64
CACHING = "nginx, open_file_cache"


def run(bench: Bench) -> Report:
    root = bench.new_folder("site")
    for path, size in FILES.values():
        (root / path[1:]).write_bytes(LINE * (size // len(LINE)))
    starters = {
        "plinth": lambda: servers.Plinth(bench, site_root=root),
        "nginx": lambda: servers.nginx(bench, root, cache=False),
        CACHING: lambda: servers.nginx(bench, root, cache=True),
    }
    report = Report()
    with running(starters) as started:
        for label, (path, size) in FILES.items():
            for name, server in started.items():
                _check(name, server, path, size)
                load.warm_up(server, path, bench.quick)
            turns = {name: [] for name in started}
            for _, name in bench.turns(list(started)):
                turns[name].append(load.put(started[name], path, CONNECTIONS, bench.seconds))
            _add(report, label, turns)
    return report


def _check(name: str, server, path: str, size: int) -> None:
    """All must send the same bytes over a connection that stays, or the comparison is worth nothing."""
    with client.Client(server.port) as connection:
        answers = [connection.send("GET", path) for _ in range(2)]
    for answer in answers:
        if answer.status != 200 or len(answer.body) != size or "content-encoding" in answer.headers:
            raise Failed(f"{name} answered {path} with {answer.status}, {len(answer.body)} bytes, {answer.headers}")


def _add(report: Report, label: str, turns: dict[str, list[load.Load]]) -> None:
    rates = {name: load.median_rate(mine) for name, mine in turns.items()}
    costs = {name: load.median_cpu(mine) for name, mine in turns.items()}
    notes = [
        f"plinth ÷ {name}: requests/s {ratio(rates['plinth'], rates[name])}, CPU per request {ratio(costs['plinth'], costs[name])}"
        for name in ("nginx", CACHING)
    ]
    report.tables.append(load.table(f"Static file of {label}, {CONNECTIONS} connections", turns, notes))
    rate_met = rates["plinth"] >= rates["nginx"] and not any(one.failed for one in turns["plinth"])
    cost_met = costs["plinth"] <= costs["nginx"]
    report.verdicts += [
        Verdict(f"static file of {label}: requests/s", "≥ nginx's", _against_nginx(rates), rate_met),
        Verdict(f"static file of {label}: CPU µs per request", "≤ nginx's", _against_nginx(costs), cost_met),
    ]


def _against_nginx(figures: dict[str, float]) -> str:
    return f"{ratio(figures['plinth'], figures['nginx'])} ({number(figures['plinth'])} against {number(figures['nginx'])})"
