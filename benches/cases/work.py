"""Warm calls that work: 10 KB of JSON parsed and hashed (SHA-256), and fib(25), beside workerd, Deno and Node doing the same."""

import hashlib
import json

from commands import Failed
from harness import load, servers
from harness.bench import PEERS, Bench, running
from harness.client import Client
from harness.report import Report, ratio

CONNECTIONS = 16
PEER_NAMES = ["workerd", "deno", "node"]
ITEMS = [{"id": number, "name": f"item number {number}", "tags": ["a", "b"], "price": number * 1.25} for number in range(150)]
BODY = json.dumps({"items": ITEMS}, separators=(",", ":"))
FIB_25 = b"75025"


def run(bench: Bench) -> Report:
    starters = {
        "plinth": lambda: servers.Plinth(bench),
        "workerd": lambda: servers.workerd(bench, "work.capnp"),
        "deno": lambda: servers.deno(bench, "work.js"),
        "node": lambda: servers.node(bench, "work.mjs"),
    }
    report = Report()
    with running(starters) as started:
        started["plinth"].deploy("work", (PEERS / "work.js").read_text())
        requests = {name: {"path": "/"} for name in started}
        requests["plinth"] = {"path": "/functions/v1/work", "headers": started["plinth"].anon}
        for title, body in ((f"JSON of {len(BODY) / 1000:.1f} KB and its SHA-256", BODY), ("fib(25)", "")):
            for name, server in started.items():
                _check(server, body, **requests[name])
                load.warm_up(server, quick=bench.quick, body=body, **requests[name])
            turns = {name: [] for name in started}
            for _, name in bench.turns(list(started)):
                put = load.put(started[name], connections=CONNECTIONS, seconds=bench.seconds, body=body, **requests[name])
                turns[name].append(put)
            report.tables.append(load.table(f"{title}, {CONNECTIONS} connections", turns, [_ratios(turns)]))
    return report


def _check(server: servers.Server, body: str, path: str, headers: dict[str, str] | None = None) -> None:
    """All must come to the same result."""
    headers = {**(headers or {}), "content-type": "application/json"}
    with Client(server.port) as client:
        answer = client.send("POST" if body else "GET", path, headers, body.encode())
    found = answer.body
    wanted = FIB_25
    if body:
        found, wanted = json.loads(answer.body), {"items": len(ITEMS), "sha256": hashlib.sha256(body.encode()).hexdigest()}
    if answer.status != 200 or found != wanted:
        raise Failed(f"{server.name} answered {path} with {answer.status}: {answer.body.decode(errors='replace')}")


def _ratios(turns: dict[str, list[load.Load]]) -> str:
    rates = {name: load.median_rate(mine) for name, mine in turns.items()}
    costs = {name: load.median_cpu(mine) for name, mine in turns.items()}
    by_rate = ", ".join(f"plinth ÷ {name} {ratio(rates['plinth'], rates[name])}" for name in PEER_NAMES)
    by_cost = ", ".join(f"plinth ÷ {name} {ratio(costs['plinth'], costs[name])}" for name in PEER_NAMES)
    return f"requests/s: {by_rate}; CPU per request: {by_cost}"
