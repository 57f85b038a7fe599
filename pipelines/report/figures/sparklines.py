"""Many small plots under each other on one time axis, each on its own scale, with its name and one number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.report.figures import marks
from pipelines.report.html import Markup, tag

STRIP_PERCENT = 4  # under each value, so that a zero is told from nothing


@dataclass(frozen=True)
class Sparkline:
    """Values by time, of which some may be missing; what they are called, where from, and what they come to."""

    name: str
    note: str
    shown: str
    values: dict[datetime, float]


def sparklines(lines: Sequence[Sparkline], times: Sequence[datetime], tips: list[list[str]], label: str) -> Markup:
    """A row a line; `tips[row][column]` is what a place says. Bars stand on zero; the highest of a row fills it."""
    rows = [_row(number, line, times) for number, line in enumerate(lines)]
    axis = tag("div", marks.time_axis(times), class_="heat-axis")
    return marks.readable(tag("div", *rows, axis, class_="heat"), tips, label)


def _row(number: int, line: Sparkline, times: Sequence[datetime]) -> Markup:
    name = tag("div", tag("b", line.name), " ", tag("small", line.note), class_="heat-name")
    plot = tag("div", marks.svg(len(times), 100, _bars(line, times)), class_="spark", data_row=number)
    return tag("div", name, plot, tag("div", line.shown, class_="heat-total"), class_="heat-row")


def _bars(line: Sparkline, times: Sequence[datetime]) -> Markup:
    low, high = min(0, *line.values.values()), max(0, *line.values.values())
    per_unit = (100 - STRIP_PERCENT) / ((high - low) or 1)
    zero = high * per_unit
    data = ""
    for x, time in enumerate(times):
        if time in line.values:
            height = line.values[time] * per_unit
            top, bottom = zero - max(height, 0), zero + max(STRIP_PERCENT, -height)
            data += f"M{x + 0.1:.1f} {marks.number(bottom)}V{marks.number(top)}h.8V{marks.number(bottom)}z"
    return marks.path(data, "bar-mark")
