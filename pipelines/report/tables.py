"""Data tables: what every figure shows, as text that works without script, with units in the heads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.report import units
from pipelines.report.html import Markup, tag

Row = dict[str, Any]
ROW_LIMIT = 2000


@dataclass(frozen=True)
class Column:
    """A row's key, the head above it, and how values read. Text stands left, numbers right; what `is_bad` is red, and
    `is_long` text runs over lines."""

    key: str
    head: str
    format: units.Format = units.text
    is_text: bool = False
    is_bad: bool = False
    is_long: bool = False

    @property
    def is_left(self) -> bool:
        return self.is_text or self.format in (units.text, units.day)


def folded(caption: str, columns: Sequence[Column], rows: list[Row]) -> Markup:
    """A table behind a heading that opens it; it says how many rows it holds."""
    return tag(
        "details",
        tag("summary", f"Table: {caption} ({units.plural(len(rows), 'row')})"),
        scrolled(caption, columns, rows),
    )


def scrolled(caption: str, columns: Sequence[Column], rows: list[Row]) -> Markup:
    """A table in a box of bounded height, reachable by keyboard."""
    shown = rows[:ROW_LIMIT]
    cut = f"; the first {ROW_LIMIT:,} of {len(rows):,} rows" if len(rows) > len(shown) else ""
    head = tag("tr", *(tag("th", c.head, scope="col", class_=None if c.is_left else "n") for c in columns))
    body = (tag("tr", *(_cell(column, row[column.key]) for column in columns)) for row in shown)
    table = tag("table", tag("caption", caption, cut), tag("thead", head), tag("tbody", *body))
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=f"Table: {caption}")


def _cell(column: Column, value: Any) -> Markup:
    classes = [
        "" if column.is_left else "n",
        "bad" if column.is_bad and value else "",
        "words" if column.is_long else "",
    ]
    return tag("td", column.format(value), class_=" ".join(filter(None, classes)) or None)
