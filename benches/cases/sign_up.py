"""Sign-ups and sign-ins: bound by argon2 with a password, by durable writes without one.

The reference for durable writes is SQLite in WAL mode with `synchronous=FULL`, one row a transaction, one writer: what a
server without group commit could do at best on this disk.
"""

import json
import sqlite3
import statistics
import threading
import time

from commands import Failed
from harness import client, load, machine, servers
from harness.bench import Bench, running
from harness.report import Report, Table, Verdict, number, percentile, ratio

# Plinth's defaults, given all the same so that what the report says is what ran.
ARGON2 = {"auth_argon2_memory_kib": 19456, "auth_argon2_iterations": 2, "auth_hash_threads": 1}
PASSWORD = "correct horse battery staple"
CONNECTIONS = [1, 16, 64]
# What another route may lose at its 99th percentile while sign-ins saturate.
LOSS_MS = 10
SIGN_IN = "/auth/v1/token?grant_type=password"


def run(bench: Bench) -> Report:
    report = Report()
    with running({"plinth": lambda: servers.Plinth(bench, **ARGON2)}) as started:
        plinth = started["plinth"]
        _passwords(bench, plinth, report)
        _beside_sign_ins(bench, plinth, report)
        _durable_writes(bench, plinth, report)
    return report


def _passwords(bench: Bench, plinth: servers.Plinth, report: Report) -> None:
    user = {"email": "ada@example.com", "password": PASSWORD}
    made = client.post_json(plinth.port, "/auth/v1/signup", user, plinth.anon)
    if made.status != 200:
        raise Failed(f"a sign-up was answered {made.status}: {made.body.decode(errors='replace')}")
    turns = {"sign-up": [], "sign-in": []}
    for turn, name in bench.turns(list(turns)):
        body, path = user, SIGN_IN
        if name == "sign-up":
            body, path = {"email": f"user-{turn}-{{n}}@example.com", "password": PASSWORD}, "/auth/v1/signup"
        turns[name].append(load.put(plinth, path, 16, bench.seconds, plinth.anon, json.dumps(body)))
    memory, passes, threads = ARGON2.values()
    hashes = f"argon2id with m = {memory} KiB, t = {passes}, p = 1; {threads} hash at a time."
    note = f"{hashes} Every sign-up is durable (fsync) when it is answered."
    report.tables.append(load.table("Sign-up and sign-in with a password, 16 connections", turns, [note]))


def _beside_sign_ins(bench: Bench, plinth: servers.Plinth, report: Report) -> None:
    """Whether other routes keep their latency while sign-ins saturate the pool."""
    body = json.dumps({"email": "ada@example.com", "password": PASSWORD})
    times = {"alone": [], "beside saturated sign-ins": []}
    for _, name in bench.turns(list(times)):
        loader = threading.Thread(target=load.put, args=(plinth, SIGN_IN, 32, bench.seconds + 2, plinth.anon, body))
        if name != "alone":
            loader.start()
            time.sleep(1)
        times[name] += _paced(plinth.port, "/auth/v1/settings", plinth.anon, bench.seconds)
        if name != "alone":
            loader.join()
    rows = [[name, str(len(mine)), number(statistics.median(mine)), number(percentile(mine, 0.99))] for name, mine in times.items()]
    title = "`GET /auth/v1/settings`, 100 a second, beside sign-ins on 32 connections"
    report.tables.append(Table(title, ["", "samples", "p50 ms", "p99 ms"], rows))
    alone, beside = (percentile(mine, 0.99) for mine in times.values())
    what, measured = "another route's p99 while sign-ins saturate", f"{number(beside)} ms (alone {number(alone)})"
    report.verdicts.append(Verdict(what, f"≤ {LOSS_MS} ms more than alone", measured, beside <= alone + LOSS_MS))


def _paced(port: int, path: str, headers: dict[str, str], seconds: int) -> list[float]:
    """Milliseconds of calls made 100 times a second on one connection."""
    times = []
    with client.Client(port) as connection:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = connection.send("GET", path, headers)
            if answer.status != 200:
                raise Failed(f"{path} was answered {answer.status}: {answer.body.decode(errors='replace')}")
            times.append(answer.first_byte * 1e3)
            time.sleep(0.01)
    return times


def _durable_writes(bench: Bench, plinth: servers.Plinth, report: Report) -> None:
    """Anonymous sign-ups: a user, a session and a refresh token each, durable when answered."""
    names = [f"anonymous sign-up, {count} connection{'s' * (count > 1)}" for count in CONNECTIONS]
    connections = dict(zip(names, CONNECTIONS))
    turns = {name: [] for name in names}
    references, flushes = [], []
    for _, name in bench.turns([*names, "reference"]):
        if name == "reference":
            references.append(_one_row_a_transaction(bench))
            flushes.append(1 / statistics.median(machine.flush_times(bench.folder)))
        else:
            turns[name].append(load.put(plinth, "/auth/v1/signup", connections[name], bench.seconds, plinth.anon, '{"data":{}}'))
    reference, flush = statistics.median(references), statistics.median(flushes)
    alone, most = load.median_rate(turns[names[0]]), load.median_rate(turns[names[-1]])
    notes = [
        f"SQLite, one row a transaction, one writer: {number(reference)}/s; `fdatasync` of 4 KiB: {number(flush)}/s",
        f"group commit: {CONNECTIONS[-1]} connections ÷ 1 connection {ratio(most, alone)}; "
        f"{CONNECTIONS[-1]} connections ÷ one row a transaction {ratio(most, reference)}",
    ]
    report.tables.append(load.table("Durable writes: anonymous sign-ups", turns, notes))


def _one_row_a_transaction(bench: Bench) -> float:
    """Durable single-row inserts a second of Python's SQLite, without HTTP."""
    database = sqlite3.connect(bench.new_folder("reference") / "reference.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE users (id TEXT PRIMARY KEY, created_at TEXT NOT NULL) STRICT")
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < bench.seconds:
        database.execute("INSERT INTO users VALUES (?, datetime())", (f"{count:032x}",))
        count += 1
    database.close()
    return count / (time.perf_counter() - began)
