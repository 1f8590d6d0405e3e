"""Measures Plinth beside its peers, each benchmark in one run on one machine, and writes the results into docs/performance.md.

A run with --quick, or while the machine is busy, is for a look: it prints, and leaves the document alone. So does one with --only,
unless --write says that this benchmark's part of the document is to be written anew.
"""

import argparse
import datetime
import os
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts")]

import commands  # noqa: E402
import places  # noqa: E402
from cases import asynchronous, bundles, cold, data, environments, files, footprint, front, sign_up, static_files, warm, work  # noqa: E402
from commands import Failed  # noqa: E402
from harness import machine, peers, report, results  # noqa: E402
from harness.bench import Bench, say  # noqa: E402

CASES = {
    "cold": cold,
    "bundles": bundles,
    "warm": warm,
    "work": work,
    "asynchronous": asynchronous,
    "footprint": footprint,
    "environments": environments,
    "static": static_files,
    "sign-up": sign_up,
    "data": data,
    "files": files,
    "front": front,
}
# With a greater part of the cores in use by others, figures are worth little.
BUSY = 0.1


def main() -> int:
    options = _options()
    binary = _binary()
    peers.install()
    parent = options.folder or places.ROOT / "target"
    parent.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=parent)).resolve()
    folder.chmod(0o755)  # nginx's workers may run as another user
    try:
        bench = Bench(binary, folder, quick=options.quick)
        used = machine.used_cores()
        busy = used > BUSY * machine.cores()
        about = [f"plinth {commands.output_of(binary, '--version').split()[-1]}, {datetime.date.today()}", *machine.describe(bench, used)]
        print("\n".join(about), flush=True)
        if busy:
            say("the machine is busy with something else: the figures will be worth little")
        found, failures = _measure(bench, options.only or list(CASES))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.text(report.budgets([verdict for one in found.values() for verdict in one.verdicts])))
    if not options.quick and (options.write or not (busy or options.only)):
        results.keep(about, found)
        results.write(list(CASES))
        say(f"wrote {results.DOCUMENT.relative_to(places.ROOT)}")
    for name, failure in failures.items():
        say(f"{name} failed: {failure}")
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=CASES, help="measure this alone (may be given more than once)")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: whether it works, not how fast it is")
    parser.add_argument("--write", action="store_true", help="write the document even if the machine is busy, or not all was measured")
    parser.add_argument("--folder", type=pathlib.Path, help="where data is kept meanwhile: the disk to measure (default: target)")
    return parser.parse_args()


def _binary() -> pathlib.Path:
    named = os.environ.get("PLINTH_BIN")
    binary = pathlib.Path(named) if named else places.binary()
    if not binary.is_file():
        raise Failed(f"there is no server at {binary}: run `make build`, or name it with PLINTH_BIN")
    return binary.resolve()


def _measure(bench: Bench, names: list[str]) -> tuple[dict[str, report.Report], dict[str, Exception]]:
    """Every benchmark in its turn; one that fails does not end the others."""
    found, failures = {}, {}
    for name in names:
        say(f"{name}: {CASES[name].__doc__.splitlines()[0]}")
        try:
            one = CASES[name].run(bench)
        except (Failed, OSError, ValueError) as failure:
            failures[name] = failure
            say(f"{name} failed: {failure}")
            continue
        found[name] = one
        for table in one.tables:
            print(report.text(table), flush=True)
    return found, failures


if __name__ == "__main__":
    commands.main(main)
