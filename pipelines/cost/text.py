"""Numbers and tables of the cost page as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def usd(value: float) -> str:
    """12345.6 → `$12,346`, 3.14159 → `$3.14`, 0.00123 → `$0.0012`."""
    if 0 < value < 0.0001:
        return "<$0.0001"
    if value >= 100:
        return f"${value:,.0f}"
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def number(value: float) -> str:
    """Three digits that count, in full: 0.0123, 4.56, 1,230,000."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def source(url: str, as_of: str, is_confirmed: bool) -> str:
    """A link under its date, marked unless it was confirmed."""
    return f"[{as_of}]({url})" + ("" if is_confirmed else " *unconfirmed*")


def named(*keys: str) -> str:
    """Keys as code, each once."""
    return ", ".join(f"`{key}`" for key in dict.fromkeys(keys))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
