"""Bars and lines over time: panels that share one time axis and one reading line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from pipelines.report import scales, units
from pipelines.report.figures import marks
from pipelines.report.html import Markup, tag

Row = dict[str, Any]
LABEL_GAP_PERCENT = 13
VALUES_UP_TO_COLUMNS, HEADROOM = 8, 1.15
SCALES = {units.short_count: scales.whole, units.percent: scales.shares}


@dataclass(frozen=True)
class Bars:
    """One column as bars from zero, beside a scale that is at least `scale_from` high."""

    column: str
    title: str
    note: str
    format: units.Format
    scale_from: float = 0
    class_: str = "bar-mark"


@dataclass(frozen=True)
class Lines:
    """Several columns (with their names, highest first) as lines on one logarithmic scale; 0 is not drawn."""

    columns: tuple[tuple[str, str], ...]
    title: str
    note: str
    format: units.Format


def panels(
    rows: list[Row], times: Sequence[datetime], shown: Iterable[Bars | Lines], tips: list[str], label: str
) -> Markup:
    """One panel under the other; `rows` have a `time`, a time without a row is a gap, `tips` has one text a time."""
    by_time = {row["time"]: row for row in rows}
    cells = [by_time.get(time) for time in times]
    drawn = [_bar_panel(panel, cells) if isinstance(panel, Bars) else _line_panel(panel, cells) for panel in shown]
    body = tag("div", *drawn, marks.time_axis(times), tag("div", class_="reading-line"), class_="panels", data_row=0)
    return marks.readable(body, [tips], label)


def by_day(rows: list[Row], shown: Iterable[Bars], told: Callable[[Row], str], label: str) -> Markup:
    """Panels of rows that have an `event_date`, a column a day; `told` is what a row says."""
    timed = [{**row, "time": datetime.combine(row["event_date"], time())} for row in rows]
    times = scales.without_gaps([row["time"] for row in timed], timedelta(days=1))
    said = {row["time"]: told(row) for row in timed}
    tips = [f"{units.day(at.date())}\n{said.get(at, units.NO_DATA)}" for at in times]
    return panels(timed, times, shown, tips, label)


def _bar_panel(panel: Bars, cells: list[Row | None]) -> Markup:
    highest = max((float(cell[panel.column] or 0) for cell in cells if cell), default=0)
    has_values = len(cells) <= VALUES_UP_TO_COLUMNS
    scale = SCALES.get(panel.format, scales.linear)(max(highest * (HEADROOM if has_values else 1), panel.scale_from), 2)
    known = [(x, cell[panel.column]) for x, cell in enumerate(cells) if cell and cell[panel.column]]
    tops = [(x, value, 100 - scale.at(float(value))) for x, value in known]
    bars = "".join(f"M{x + 0.1:.1f} 100V{marks.number(top)}h.8V100z" for x, _, top in tops)
    values = [_value(panel.format(value), (x + 0.5) / len(cells), top) for x, value, top in tops] if has_values else []
    return _panel(panel, scale, [marks.path(bars, panel.class_)], values, len(cells))


def _value(text: str, left_ratio: float, top: float) -> Markup:
    return tag("span", text, class_="value", style=f"left:{marks.number(100 * left_ratio)}%;top:{marks.number(top)}%")


def _line_panel(panel: Lines, cells: list[Row | None]) -> Markup:
    values = [cell[column] for cell in cells if cell for column, _ in panel.columns if cell[column]]
    scale = scales.logarithmic(min(values), max(values)) if values else scales.linear(1)
    lines = [marks.path(_line(cells, column, scale), f"line {name}") for column, name in panel.columns]
    ends = [(name, _last(cells, column)) for column, name in panel.columns]
    tops = _apart([(name, 100 - scale.at(value)) for name, value in ends if value])
    names = [tag("span", name, class_=f"end {name}", style=f"top:{marks.number(top)}%") for name, top in tops]
    return _panel(panel, scale, lines, names, len(cells))


def _panel(panel: Bars | Lines, scale: scales.Scale, shapes: list[Markup], labels: list[Markup], width: int) -> Markup:
    heights = [(tick, 100 - scale.at(tick)) for tick in scale.ticks]
    grid = marks.path("".join(f"M0 {marks.number(y)}H{width}" for _, y in heights), "grid")
    ticks = [tag("span", panel.format(tick), class_="tick", style=f"top:{marks.number(y)}%") for tick, y in heights]
    plot = tag("div", marks.svg(width, 100, grid, *shapes), *ticks, *labels, class_="plot", aria_hidden="true")
    kind = "panel lines" if isinstance(panel, Lines) else "panel"
    return tag("div", tag("h3", panel.title, " ", tag("small", panel.note)), plot, class_=kind)


def _line(cells: list[Row | None], column: str, scale: scales.Scale) -> str:
    """Path through the middle of each column; it breaks where there is no value. A lone value is a short dash."""
    values = [cell[column] if cell else None for cell in cells]
    data = []
    for x, value in enumerate(values):
        if value:
            y = marks.number(100 - scale.at(value))
            has_left = x > 0 and bool(values[x - 1])
            has_right = x + 1 < len(values) and bool(values[x + 1])
            data.append(f"L{x + 0.5} {y}" if has_left else f"M{x + 0.5} {y}" if has_right else f"M{x + 0.2} {y}h.6")
    return "".join(data)


def _last(cells: list[Row | None], column: str) -> float | None:
    return next((cell[column] for cell in reversed(cells) if cell and cell[column]), None)


def _apart(labels: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Labels from the top down, pushed so far that none hides another (percent of the panel's height)."""
    placed: list[tuple[str, float]] = []
    for name, top in sorted(labels, key=lambda label: label[1]):
        lowest = placed[-1][1] + LABEL_GAP_PERCENT if placed else top
        placed.append((name, max(top, lowest)))
    return placed
