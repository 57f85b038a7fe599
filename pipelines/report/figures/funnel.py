"""The funnel: a bar a step, what continued and what was lost between them, and the same by day."""

from datetime import date
from typing import Any

from pipelines.report import units
from pipelines.report.html import Markup, join, tag

Row = dict[str, Any]


def funnel(steps: list[Row]) -> Markup:
    """`steps` in order: step_name, reached_count, step_conversion_ratio (from the step before; None for the first)."""
    first = steps[0]["reached_count"] or 1
    return tag("ol", join(_step(step, step["reached_count"] / first) for step in steps), class_="funnel")


def conversion_by_day(
    days: list[date], steps: list[Row], by_day: dict[tuple[date, int], Row], broken: set[tuple[date, str]]
) -> Markup:
    """Conversion from the step before, a row a step and a column a day; `broken` (day, step name) is marked."""
    head = tag("tr", tag("th", "Continued to", scope="col"), *(tag("th", units.day(day), scope="col") for day in days))
    rows = [
        tag(
            "tr",
            tag("th", step["step_name"], scope="row"),
            *(_ratio_cell(by_day.get((day, step["step_number"])), (day, step["step_name"]) in broken) for day in days),
        )
        for step in steps[1:]
    ]
    said = "Continued from the step before, by the day of the first step"
    table = tag("table", tag("caption", said), tag("thead", head), tag("tbody", *rows))
    return tag("div", table, class_="by-day", tabindex="0", role="region", aria_label=said)


def _step(step: Row, share: float) -> Markup:
    between = None
    if step["step_conversion_ratio"] is not None:
        lost = units.count(step["lost_count"])
        between = tag(
            "p", tag("b", units.percent(step["step_conversion_ratio"])), f" continued, {lost} left", class_="kept"
        )
    bar = tag("div", class_="funnel-bar", style=f"width:{100 * share:.2f}%")
    name = tag("span", step["step_name"], class_="funnel-name")
    reached = tag(
        "span", tag("b", units.count(step["reached_count"])), f" · {units.percent(share)}", class_="funnel-count"
    )
    return tag("li", between, name, reached, tag("div", bar, class_="funnel-track", aria_hidden="true"))


def _ratio_cell(row: Row | None, is_broken: bool) -> Markup:
    ratio = row["step_conversion_ratio"] if row else None
    bar = tag("i", style=f"width:{100 * ratio:.1f}%", aria_hidden="true") if ratio is not None else None
    mark = tag("em", " broke") if is_broken else None
    return tag("td", tag("span", units.percent(ratio), mark), bar, class_="worst" if is_broken else None)
