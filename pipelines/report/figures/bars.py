"""Horizontal bars: a name, a length, a number."""

from collections.abc import Sequence

from pipelines.report.html import Markup, tag

Bar = tuple[str, float, str, str | None]


def bars(entries: Sequence[Bar]) -> Markup:
    """One line an entry: name, value (length), value as text, and a sentence below the name or None."""
    highest = max((value for _, value, _, _ in entries), default=0) or 1
    lines = [
        tag(
            "li",
            tag("span", name, class_="bar-name"),
            tag("span", shown, class_="bar-value"),
            tag("div", tag("div", style=f"width:{100 * value / highest:.2f}%"), class_="bar-track", aria_hidden="true"),
            tag("p", note) if note else None,
        )
        for name, value, shown, note in entries
    ]
    return tag("ul", *lines, class_="bar-list")
