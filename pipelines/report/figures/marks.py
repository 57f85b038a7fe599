"""What the figures share: stretched SVG, axis labels, and plots whose cells can be read by pointer and arrow keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pipelines.report import scales
from pipelines.report.html import Markup, join, json_script, tag

LATE_PERCENT = 90  # where on a phone a name would stand beyond the edge


def svg(width: float, height: float, *marks: object, class_: str | None = None) -> Markup:
    """Marks in a `width` × `height` box that stretches to its place. Hidden from screen readers: the table speaks."""
    return tag(
        "svg",
        *marks,
        viewBox=f"0 0 {number(width)} {number(height)}",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_=class_,
    )


def path(data: str, class_: str) -> Markup:
    return tag("path", class_=class_, d=data)


def number(value: float) -> str:
    """Shortest text with at most two decimals: coordinates need no more."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def boxes(places: Iterable[tuple[float, float]], width: float = 1, height: float = 1) -> str:
    """Path data of equal boxes with their upper left corners at `places`."""
    size = f"h{number(width)}v{number(height)}h-{number(width)}z"
    return "".join(f"M{number(x)} {number(y)}{size}" for x, y in places)


def time_axis(times: Sequence[datetime]) -> Markup:
    """Day names under the column where each day begins (UTC)."""
    marks = [
        tag("span", text, style=f"left:{number(left)}%", class_="late" if left > LATE_PERCENT else None)
        for left, text in scales.time_marks(times)
    ]
    return tag("div", *marks, class_="x-axis", aria_hidden="true")


def readable(figure: Markup, tips: list[list[str]], label: str) -> Markup:
    """A figure whose cells speak: `tips[row][column]`, shown under the pointer and for the arrow keys.

    Rows are found by `data-row` elements inside the figure; columns are equal shares of a row's width.
    """
    return tag(
        "div",
        figure,
        json_script(tips, class_="tips"),
        class_="readable",
        tabindex="0",
        role="group",
        aria_roledescription="chart",
        aria_label=f"{label}. Arrow keys read the values one by one; the table below holds them all.",
    )


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """Colour classes with what they mean."""
    return tag(
        "ul",
        join(tag("li", tag("i", class_=class_), text) for class_, text in entries),
        class_="legend",
    )
