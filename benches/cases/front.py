"""The web front beside nginx: large files, compression, proxying, many connections, reloads under load, and upstreams that die or are slow."""

import os
import pathlib
import pwd
import signal
import threading
import time

from commands import Failed
from harness import client, load, peers, processes, servers
from harness.bench import PEERS, Bench, running
from harness.report import Report, Table, Verdict, number, ratio

KIB, MIB = 1 << 10, 1 << 20
LINE = b"A line of text, thirty-two long\n"
FILES = {"1k": KIB, "64k": 64 * KIB, "10m": 10 * MIB, "100m": 100 * MIB}
STATIC = [("1 KiB", "1k", 1), ("1 KiB", "1k", 1000), ("10 MiB", "10m", 16), ("100 MiB", "100m", 4)]
PROXIED = [("1 KiB", "1k", 1), ("1 KiB", "1k", 64), ("1 KiB", "1k", 1000), ("64 KiB", "64k", 64), ("10 MiB", "10m", 16)]
PROXIED_BUDGET = 0.8
RELOADS_A_SECOND = 5


def run(bench: Bench) -> Report:
    root = bench.new_folder("site")
    for name, size in FILES.items():
        (root / f"{name}.txt").write_bytes(LINE * (size // len(LINE)))
    report = Report()
    with running({name: lambda: nginx(bench, root, []) for name in ("first", "second")}) as behind:
        ports = [server.port for server in behind.values()]
        starters = {"plinth": lambda: Plinth(bench, root, ports), "nginx": lambda: nginx(bench, root, ports)}
        with running(starters) as started:
            for label, file, connections in STATIC:
                _measure(bench, report, started, f"/{file}.txt", (f"Static file of {label}", connections, {}))
            _measure(bench, report, started, "/64k.txt", ("Static file of 64 KiB, gzip", 64, {"accept-encoding": "gzip"}))
            for label, file, connections in PROXIED:
                ours, theirs = _measure(bench, report, started, f"/proxied/{file}.txt", (f"Proxied answer of {label}", connections, {}))
                if (file, connections) == ("1k", 64):
                    shown = f"{ratio(ours, theirs)} ({number(ours)}/s against {number(theirs)}/s)"
                    budget = f"≥ {PROXIED_BUDGET} × nginx's requests/s"
                    report.verdicts.append(Verdict("proxied 1 KiB, 64 connections", budget, shown, ours >= PROXIED_BUDGET * theirs))
            _reload(bench, report, started)
            _memory(report, started)
            _upstream_dies(bench, report, started, behind["second"])
        _upstream_is_slow(bench, report, root, ports[0])
    return report


def _measure(bench: Bench, report: Report, started: dict, path: str, about: tuple[str, int, dict[str, str]]) -> tuple[float, float]:
    what, connections, headers = about
    for server in started.values():
        with client.Client(server.port) as connection:
            answer = connection.send("GET", path, headers)
        if answer.status != 200 or ("gzip" in headers.values()) != (answer.headers.get("content-encoding") == "gzip"):
            raise Failed(f"{server.name} answered {path} with {answer.status}, {answer.headers}")
        load.warm_up(server, path, bench.quick, headers=headers)
    turns = {name: [] for name in started}
    for _, name in bench.turns(list(started)):
        turns[name].append(load.put(started[name], path, connections, bench.seconds, headers=headers))
    (ours, theirs), costs = (_medians(turns, load.median_rate), _medians(turns, load.median_cpu))
    notes = [f"plinth ÷ nginx: requests/s {ratio(ours, theirs)}, CPU per request {ratio(*costs)}"]
    plural = "s" if connections > 1 else ""
    report.tables.append(load.table(f"{what}, {connections} connection{plural}", turns, notes))
    return ours, theirs


def _medians(turns: dict[str, list[load.Load]], of) -> list[float]:
    return [of(turns[name]) for name in ("plinth", "nginx")]


def _reload(bench: Bench, report: Report, started: dict) -> None:
    """Both are told to read their configuration again, five times a second, while they answer."""
    turns = {name: [] for name in started}
    for _, name in bench.turns(list(started)):
        over = threading.Event()
        hangups = threading.Thread(target=_hang_up, args=(started[name].pid, over))
        hangups.start()
        turns[name].append(load.put(started[name], "/proxied/1k.txt", 64, bench.seconds))
        over.set()
        hangups.join()
    report.tables.append(load.table("Proxied answer of 1 KiB, 64 connections, five reloads a second", turns, [_reload.__doc__]))
    failed = sum(one.failed for one in turns["plinth"])
    report.verdicts.append(Verdict("requests that fail while it is reloaded", "0", str(failed), failed == 0))


def _hang_up(pid: int, over: threading.Event) -> None:
    while not over.wait(1 / RELOADS_A_SECOND):
        os.kill(pid, signal.SIGHUP)


def _memory(report: Report, started: dict) -> None:
    rows = []
    for name, server in started.items():
        members = [processes.memory(pid) for pid in processes.tree(server.pid)]
        rows.append([name, str(len(members)), *(number(sum(one[kind] for one in members)) for kind in ("pss", "private"))])
    report.tables.append(Table("Memory after that load, all processes", ["", "processes", "proportional MB", "private MB"], rows))


def _upstream_dies(bench: Bench, report: Report, started: dict, second: servers.Server) -> None:
    """One of the two upstreams is killed in the middle of the load of each; connections to it are refused from then on."""
    turns = {}
    for name, server in started.items():
        killer = threading.Timer(bench.seconds / 2, second.stop)
        killer.start()
        turns[name] = [load.put(server, "/proxied/1k.txt", 64, bench.seconds)]
        killer.join()
        if name != list(started)[-1]:
            second.start_again()
            time.sleep(1)
    report.tables.append(load.table("Proxied answer of 1 KiB, 64 connections, one of two upstreams is killed", turns, [_upstream_dies.__doc__]))
    failed = turns["plinth"][0].failed
    report.verdicts.append(Verdict("requests that fail when an upstream is killed", "0", str(failed), failed == 0))


def _upstream_is_slow(bench: Bench, report: Report, root: pathlib.Path, fast: int) -> None:
    """One of two upstreams takes 100 ms for each answer; both choose the one with the fewest requests under way."""
    with running({"slow": lambda: servers.node(bench, "slow.mjs")}) as behind:
        ports = [fast, behind["slow"].port]
        starters = {
            "plinth": lambda: Plinth(bench, root, ports, "least_connections"),
            "nginx": lambda: nginx(bench, root, ports, "least_conn;"),
        }
        with running(starters) as started:
            what = ("Proxied answer of 1 KiB, one of two upstreams is slow", 64, {})
            _measure(bench, report, started, "/proxied/1k.txt", what)
            report.tables[-1].notes.append(_upstream_is_slow.__doc__)


class Plinth(servers.Plinth):
    """Plinth with the site's folder and two upstreams."""

    def __init__(self, bench: Bench, root: pathlib.Path, ports: list[int], balance: str = "round_robin"):
        file = bench.new_folder("config") / "plinth.toml"
        addresses = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        file.write_text(
            f'[[upstreams]]\nname = "behind"\nbalance = "{balance}"\nservers = [{addresses}]\n\n'
            f'[[sites]]\nhosts = ["*"]\nroot = "{root}"\n\n'
            '[[sites.routes]]\npath = "/proxied"\nstrip_prefix = true\nupstream = "behind"\n'
        )
        super().__init__(bench, config=file, functions_spares=0)


def nginx(bench: Bench, root: pathlib.Path, ports: list[int], balance: str = "") -> servers.Server:
    """nginx with the same; without upstreams it is one."""
    folder = bench.new_folder("nginx")
    port = servers.free_port()
    text = (PEERS / "front.conf").read_text()
    servers_text = " ".join(f"server 127.0.0.1:{behind};" for behind in ports) or "server 127.0.0.1:1;"
    values = {
        "USER": f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else "",
        "FOLDER": folder,
        "ROOT": root,
        "PORT": port,
        "SERVERS": servers_text,
        "BALANCE": balance,
        "GZIP": "on" if ports else "off",
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "nginx.conf").write_text(text)
    server = servers.Server("nginx", [peers.nginx(), "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"], folder)
    server.port = port
    server.wait_for("/1k.txt")
    return server
