"""Cold calls of larger functions: the phases of 1 KB, 100 KB and 1 MB of code, with V8's code cache and without it."""

import statistics
import time

from commands import Failed
from harness import servers
from harness.bench import Bench
from harness.client import Client
from harness.report import Report, Table, number

PHASES = ["download", "environment", "init", "handler"]
SIZES = {"1 KB": 1_000, "100 KB": 100_000, "1 MB": 1_000_000}
GAP = 0.25
SETTLE = 1.0


def run(bench: Bench) -> Report:
    times = {(size, cached): {phase: [] for phase in PHASES} for size in SIZES for cached in (True, False)}
    for _, name in bench.turns(["with the code cache", "without"]):
        _measure(bench, name != "without", times)
    rows = []
    for (size, cached), phases in times.items():
        medians = [number(statistics.median(phases[phase])) for phase in PHASES]
        rows.append([size, "yes" if cached else "no", *medians])
    notes = [
        "the code is functions of which one in a hundred is called as the module is evaluated, as in a bundle of libraries",
        "as the server tells in `Server-Timing`; medians, in ms; the spare is ready",
    ]
    report = Report()
    report.tables.append(Table("Cold calls by size of the code", ["code", "code cache", *PHASES], rows, notes))
    return report


def _measure(bench: Bench, cached: bool, times: dict) -> None:
    server = servers.Plinth(bench, functions_spares=2, functions_max_environments=64, functions_code_cache=str(cached).lower())
    try:
        for size, length in SIZES.items():
            names = [f"b{length}-{number}" for number in range(max(4, bench.samples // 4))]
            for name in names:
                server.deploy(name, _source(name, length))
            time.sleep(SETTLE)
            with Client(server.port) as client:
                for name in names:
                    answer = client.send("GET", f"/functions/v1/{name}", server.anon)
                    if answer.status != 200:
                        raise Failed(f"the cold call of {name} was answered {answer.status}")
                    for phase, took in answer.phases().items():
                        times[size, cached][phase].append(took)
                    time.sleep(GAP)
    finally:
        server.stop()


def _source(name: str, length: int) -> str:
    """So many bytes of functions, some of which run at once."""
    lines, size, at = [f"// {name}", "const all = [];"], 0, 0
    while size < length:
        line = (
            f"function part{at}(list, factor) {{ const kept = list.filter((one) => one % {at + 2} === factor % {at + 2}); "
            f"return kept.map((one) => ({{ one, twice: one * 2, text: `${{one}}-{at}` }})); }}"
        )
        if at % 100 == 0:
            line += f" all.push(part{at}([1, 2, 3], {at}));"
        lines.append(line)
        size += len(line) + 1
        at += 1
    lines.append("export default { fetch: () => new Response(`ok ${all.length}`) };")
    return "\n".join(lines)
