"""Tables, medians with their spread, and the budgets' verdicts: as text on the terminal and as Markdown in the docs."""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence


@dataclasses.dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Verdict:
    """One budget of the design against what was measured."""

    what: str
    budget: str
    measured: str
    met: bool


@dataclasses.dataclass
class Report:
    """What one benchmark found."""

    tables: list[Table] = dataclasses.field(default_factory=list)
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)


class Series:
    """One figure of each round: its median, shown with the least and the greatest."""

    def __init__(self, values: Iterable[float]):
        self.values = list(values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def shown(self, unit: str = "") -> str:
        low, high = number(min(self.values)), number(max(self.values))
        middle = number(self.median)
        spread = "" if low == high else f" ({low}–{high})"
        return f"{middle}{unit}{spread}"


def number(value: float) -> str:
    """Three significant figures, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f} ×" if theirs else "–"


def percentile(values: Sequence[float], part: float) -> float:
    """The least value that `part` of all values do not exceed."""
    return sorted(values)[max(1, math.ceil(part * len(values))) - 1]


def text(table: Table) -> str:
    """A table for the terminal."""
    rows = [table.columns, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    lines = ["", table.title]
    for row in rows:
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  " + "   ".join(cells).rstrip())
    return "\n".join([*lines, *(f"  {note}" for note in table.notes)])


def markdown(table: Table) -> str:
    aligned = ["---"] + ["---:"] * (len(table.columns) - 1)
    rows = [table.columns, aligned, *table.rows]
    body = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    notes = "".join(f"\n\n{note}" for note in table.notes)
    return f"#### {table.title}\n\n{body}{notes}"


def budgets(verdicts: list[Verdict]) -> Table:
    rows = [[verdict.what, verdict.budget, verdict.measured, "met" if verdict.met else "**missed**"] for verdict in verdicts]
    return Table("Budgets", ["what", "budget", "measured", "verdict"], rows)
