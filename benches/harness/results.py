"""What was measured last, one file a benchmark, and the document's part that is made of all of them."""

import dataclasses
import json
import pathlib

import places
from harness import report
from harness.report import Report, Table, Verdict

FOLDER = places.ROOT / "benches" / "results"
DOCUMENT = places.ROOT / "docs" / "performance.md"
BEGIN = "<!-- results: benches/run.py writes what is between these two lines -->"
END = "<!-- end of results -->"


def keep(about: list[str], found: dict[str, Report]) -> None:
    """Writes what each benchmark found, and on what machine, instead of what it had found before."""
    FOLDER.mkdir(exist_ok=True)
    for name, one in found.items():
        (FOLDER / f"{name}.json").write_text(json.dumps({"about": about, **dataclasses.asdict(one)}, indent=1, ensure_ascii=False) + "\n")


def write(names: list[str]) -> None:
    """Puts the benchmarks' results between the document's markers, those of one run under one description of the machine."""
    kept = [json.loads(file.read_text()) for name in names if (file := FOLDER / f"{name}.json").is_file()]
    verdicts = [Verdict(**verdict) for one in kept for verdict in one["verdicts"]]
    parts = [report.markdown(report.budgets(verdicts))]
    about = None
    for one in kept:
        if one["about"] != about:
            about = one["about"]
            parts.append("\n".join(f"- {line}" for line in about))
        parts += [report.markdown(Table(**table)) for table in one["tables"]]
    whole = DOCUMENT.read_text()
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT} lacks the lines {BEGIN!r} and {END!r}")
    DOCUMENT.write_text("\n\n".join([before + begin, *parts, end + after]))
