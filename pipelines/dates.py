"""A range of UTC dates as a person writes it."""

from datetime import date


def dates(text: str) -> tuple[date, date]:
    """First and last of `2026-11-01`, or of two with `..` between. Raises ValueError with what is wrong with it."""
    first, dots, last = text.partition("..")
    try:
        found = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError:
        raise ValueError(f"{text!r} is no date: write 2026-11-01, or 2026-11-01..2026-11-30") from None
    if found[0] > found[1]:
        raise ValueError(f"{text} ends before it starts")
    return found
