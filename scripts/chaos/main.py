"""Kills workers and the server at random while it has work of every kind, and proves that nothing is lost.

    main.py --seconds 120 --seed 7        # on SQLite; --database postgres for a throwaway PostgreSQL
    PLINTH_BIN=path main.py               # another binary than target/release/plinth

What is proved, with counts: each call that was acknowledged ran (synchronous calls, alone and side by side, asynchronous calls, messages
of a queue, each due time of a schedule); asynchronous calls that fail are tried as often as they may be and then given up; nothing waits or runs when the
work is over; no process outlives its server; the server holds no more descriptors and little more memory than before.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import commands  # noqa: E402
import places  # noqa: E402
import postgres  # noqa: E402
from commands import Failed, say  # noqa: E402
from ledger import Ledger  # noqa: E402
from load import Load  # noqa: E402
from world import World  # noqa: E402

SOURCE = """
const seen = (kind, id, request) => fetch(`http://${process.env.LEDGER}/${kind}/${encodeURIComponent(id)}/${request}`, { method: 'POST' });

export const handler = async (event, context) => {
  for (const record of event.Records ?? []) await seen('message', record.body, context.awsRequestId);
  if (event.Records) return;
  if (event.time) return void (await seen('schedule', event.time, context.awsRequestId));
  await seen(event.kind, event.id, context.awsRequestId);
  if (event.kind === 'failing') throw new Error('on purpose');
  return { id: event.id };
};
"""

# Calls of this one share their environments; each finds its request's id in the trace that is its own.
BESIDE = """
export default async (request) => {
  const { kind, id } = await request.json();
  const [, root, parent] = process.env._X_AMZN_TRACE_ID.match(/Root=1-[0-9a-f]+-([0-9a-f]{24});Parent=[0-9a-f]{8}([0-9a-f]{8})/);
  const hex = root + parent;
  const own = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  await fetch(`http://${process.env.LEDGER}/${kind}/${id}/${own}`, { method: 'POST' });
  return Response.json({ id });
};
"""

# How long work may take to be over once no more comes and nothing is killed.
DRAIN = 180
# What the server may hold more than before: descriptors, and bytes.
DESCRIPTORS = 16
MEMORY = 64 * 1024 * 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="how long things are killed (default: 120)")
    parser.add_argument("--seed", type=int, default=None, help="which faults, in which order (default: by chance)")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"chaos for {options.seconds} s on {options.database}, --seed {seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="plinth-chaos-"))
    with postgres.throwaway() if options.database == "postgres" else contextlib.nullcontext() as database:
        failures = _torment(folder, options.seconds, random.Random(seed), database)
    if failures:
        say(f"the server's log and data are in {folder}")
        for failure in failures:
            say(f"FAILED: {failure}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    print("nothing was lost", flush=True)
    return 0


def _torment(folder: pathlib.Path, seconds: int, chance: random.Random, database: str | None) -> list[str]:
    ledger = Ledger()
    named = os.environ.get("PLINTH_BIN")
    world = World(pathlib.Path(named) if named else places.binary(), folder, database)
    try:
        load = Load(world)
        _prepare(world, load, ledger)
        failures = _while_all_is_killed(world, load, ledger, seconds, chance)
        failures += _while_workers_are_killed(world, load, ledger, min(seconds, 30), chance)
        world.stop()
        left = world.processes()
        print(f"processes after the end: {len(left)}", flush=True)
        return failures + ([f"{len(left)} processes outlive the server"] if left else [])
    finally:
        if world.server.poll() is None:
            world.server.kill()
        ledger.close()


def _prepare(world: World, load: Load, ledger: Ledger) -> None:
    config = {"env": {"LEDGER": ledger.host}, "network": [ledger.host], "timeout_s": 10}
    headers = {"content-type": "text/javascript", "x-plinth-config": json.dumps(config)}
    world.admin("PUT", "/admin/v1/functions/works", SOURCE.encode(), headers)
    headers["x-plinth-config"] = json.dumps({**config, "concurrency_per_environment": 8})
    world.admin("PUT", "/admin/v1/functions/beside", BESIDE.encode(), headers)
    load.sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "10"})
    mapping = {"FunctionName": "works", "EventSourceArn": "arn:aws:sqs:local:000000000000:work", "BatchSize": 5}
    load.functions.create_event_source_mapping(**mapping)
    world.admin("PUT", "/admin/v1/functions/works/schedules/minutely", {"expression": "rate(1 minute)", "missed": "all"})


def _while_all_is_killed(world: World, load: Load, ledger: Ledger, seconds: int, chance: random.Random) -> list[str]:
    """Workers and the server die; then every piece of work that was acknowledged must have been done."""
    faults, longest = collections.Counter(), 0.0
    load.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.2, 2.0))
        fault = chance.choices(["worker", "server", "restart"], [10, 2, 1])[0]
        faults[fault] += 1
        if fault == "worker":
            _kill_a_worker(world, chance)
        elif fault == "server":
            longest = max(longest, world.kill())
        else:
            world.restart()
    load.stop()
    print(f"killed: {faults['worker']} workers, {faults['server']} times the server; stopped {faults['restart']} times; "
          f"workers outlived their server by {longest * 1000:.0f} ms at the most", flush=True)  # fmt: skip
    return _drained(world, load) + _accounts(world, load, ledger)


def _while_workers_are_killed(world: World, load: Load, ledger: Ledger, seconds: int, chance: random.Random) -> list[str]:
    """One server process under the same load, whose workers die; then it must hold what it held before."""
    world.restart()
    load.start()
    time.sleep(3)
    load.stop()
    failures = _drained(world, load)
    _until_idle(world)
    before = world.descriptors(), world.memory()
    load.start()
    end = time.monotonic() + seconds
    killed = 0
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.1, 1.0))
        killed += _kill_a_worker(world, chance)
    load.stop()
    failures += _drained(world, load)
    _until_idle(world)
    after = world.descriptors(), world.memory()
    print(f"one server, {killed} workers killed: descriptors {before[0]} -> {after[0]}, resident MB {before[1] / 1e6:.0f} -> {after[1] / 1e6:.0f}, "
          f"workers {len(world.workers())}", flush=True)  # fmt: skip
    if after[0] > before[0] + DESCRIPTORS:
        failures.append(f"descriptors leak: {before[0]} -> {after[0]}")
    if after[1] > before[1] + MEMORY:
        failures.append(f"memory leaks: {before[1]} -> {after[1]} bytes")
    return failures + _accounts(world, load, ledger)


def _kill_a_worker(world: World, chance: random.Random) -> bool:
    workers = world.workers()
    if not workers:
        return False
    try:
        os.kill(chance.choice(workers), 9)
    except ProcessLookupError:
        return False
    return True


def _drained(world: World, load: Load) -> list[str]:
    """Waits until nothing waits or runs; what is left after that is a failure."""
    began = time.monotonic()
    while time.monotonic() - began < DRAIN:
        left = _open_work(world, load)
        if not any(left.values()):
            print(f"all work was over {time.monotonic() - began:.1f} s after the last of it came", flush=True)
            return []
        time.sleep(0.2)
    return [f"work that is never over: {left}"]


def _open_work(world: World, load: Load) -> dict[str, int]:
    states = ["pending", "running", "retrying"]
    left = {state: len(world.admin("GET", f"/admin/v1/invocations?state={state}")["invocations"]) for state in states}
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    url = f"http://127.0.0.1:{world.port}/sqs/000000000000/work"
    counts = load.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return {**left, "messages": sum(int(count) for count in counts.values())}


def _until_idle(world: World) -> None:
    """Waits until the environments that nobody needs are gone."""
    end = time.monotonic() + 60
    while world.admin("GET", "/admin/v1/status")["functions"]["environments"] > 0:
        if time.monotonic() > end:
            raise Failed("environments stay though nothing is called")
        time.sleep(0.2)


def _given_up(world: World) -> set[str]:
    """The ids of the asynchronous calls that were tried in vain."""
    ids, query = set(), "?state=dead&limit=1000"
    while True:
        page = world.admin("GET", f"/admin/v1/invocations{query}")
        ids.update(one["id"] for one in page["invocations"])
        if not page["next_after"]:
            return ids
        query = f"?state=dead&limit=1000&after={page['next_after']}"


def _accounts(world: World, load: Load, ledger: Ledger) -> list[str]:
    failures = []
    given_up = _given_up(world)
    for kind, acknowledged in load.acknowledged.items():
        seen = ledger.seen(kind)
        lost = [number for number, request in acknowledged.items() if number not in seen and request not in given_up]
        told = sum(1 for request in acknowledged.values() if request in given_up)
        several = sum(1 for number in acknowledged if sum(seen.get(number, {}).values()) > 1)
        print(f"{kind}: {len(acknowledged)} acknowledged, {len(lost)} lost, {several} run more than once, {told} given up and told of, "
              f"{load.refused[kind]} not taken", flush=True)  # fmt: skip
        if lost:
            failures.append(f"{len(lost)} of {kind} are lost, such as {sorted(lost)[:5]}")
        if kind in ("event", "failing", "beside"):
            strange = [number for number, request in acknowledged.items() if set(seen.get(number, {})) - {request}]
            if strange:
                failures.append(f"{len(strange)} of {kind} ran under other request ids, such as {strange[:5]}")
    forgotten = [number for number, request in load.acknowledged["failing"].items() if request not in given_up]
    if forgotten:
        failures.append(f"{len(forgotten)} calls that failed are not told of, such as {forgotten[:5]}")
    due = ledger.seen("schedule")
    print(f"schedule: {len(due)} due times, {sum(len(requests) for requests in due.values())} firings", flush=True)
    twice = [moment for moment, requests in due.items() if len(requests) > 1]
    if twice:
        failures.append(f"due times that fired twice: {twice}")
    return failures


if __name__ == "__main__":
    commands.main(main)
