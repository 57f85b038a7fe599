"""Horizontal bars: a name, a length, a number."""

from collections.abc import Sequence

from pipelines.report.html import Markup, tag

Bar = tuple[str, float, str, str | None]


def bars(entries: Sequence[Bar], whole: float | None = None) -> Markup:
    """One line an entry: name, value (length), value as text, and a sentence below the name or None.

    The longest bar fills its track; given a `whole`, that one does, and what reaches it is red.
    """
    full = whole or max((value for _, value, _, _ in entries), default=0) or 1
    lines = [
        tag(
            "li",
            tag("span", name, class_="bar-name"),
            tag("span", shown, class_="bar-value"),
            tag("div", _bar(value / full, whole is not None), class_="bar-track", aria_hidden="true"),
            tag("p", note) if note else None,
        )
        for name, value, shown, note in entries
    ]
    return tag("ul", *lines, class_="bar-list")


def _bar(share: float, is_limited: bool) -> Markup:
    class_ = "over" if is_limited and share >= 1 else None
    return tag("div", style=f"width:{100 * min(share, 1):.2f}%", class_=class_)
