"""Numbers as people read them: always with the unit, on one line with it; `no data` instead of an empty place."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

NO_DATA = "no data"
NBSP = "\u00a0"
LONG_SECONDS = 600
Format = Callable[[Any], str]


def plain(text: str) -> str:
    """The same with ordinary spaces, for where nothing wraps."""
    return text.replace(NBSP, " ")


def count(value: float | None) -> str:
    """1234567 → `1,234,567`. Weighted counts are rounded to whole things."""
    return NO_DATA if value is None else f"{round(value):,}"


def short_count(value: float | Decimal | None) -> str:
    """1234567 → `1.23 M`: at most three digits, for tiles and axes."""
    if value is None:
        return NO_DATA
    number = float(value)
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= max(size, 10_000):
            return f"{_three_digits(number / size)}{NBSP}{suffix}"
    return count(number)


def amount(value: float | None) -> str:
    """A number of whatever unit stands beside it: 0.0512 → `0.0512`, 1234567 → `1.23 M`, 2e12 → `2.00e+12`."""
    if value is None:
        return NO_DATA
    if 0 < abs(value) < 0.0001 or abs(value) >= 1e12:
        return f"{value:.3g}"
    return f"{value:.3g}" if abs(value) < 1 else short_count(value) if abs(value) >= 10_000 else _three_digits(value)


def milliseconds(value: float | None) -> str:
    """0.4 → `0.4 ms`, 83.2 → `83 ms`, 1234 → `1.23 s`; from ten minutes as `seconds` has it."""
    if value is None:
        return NO_DATA
    if value >= LONG_SECONDS * 1000:
        return seconds(value / 1000)
    return f"{_three_digits(value / 1000)}{NBSP}s" if value >= 999.5 else f"{_short(value)}{NBSP}ms"


def seconds(value: float | None) -> str:
    """42 → `42 s`, 75 → `1 min 15 s`, 4000 → `1 h 6 min`, 2588000 → `29 d 22 h`."""
    if value is None:
        return NO_DATA
    whole = round(value)
    if whole < 60:
        return f"{whole}{NBSP}s"
    minutes, rest = divmod(whole, 60)
    hours = minutes // 60
    if not hours:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    return f"{hours}{NBSP}h {minutes % 60}{NBSP}min" if hours < 48 else f"{hours // 24}{NBSP}d {hours % 24}{NBSP}h"


def percent(ratio: float | None) -> str:
    """0..1 → `4.2 %`. What is not zero is never shown as zero."""
    if ratio is None:
        return NO_DATA
    shown = float(ratio) * 100
    if 0 < shown < 0.01:
        return f"<{NBSP}0.01{NBSP}%"
    if 99.99 < shown < 100:
        return f">{NBSP}99.99{NBSP}%"
    digits = 0 if shown in (0, 100) else 2 if shown < 1 or 99 < shown < 100 else 1
    return f"{shown:.{digits}f}{NBSP}%"


def budget(ratio: float | None) -> str:
    """Share of a budget that is spent: 0.42 → `42.0 %`, and beyond it 2.5 → `×2.50`."""
    return times(ratio) if ratio is not None and ratio > 1 else percent(ratio)


def times(value: float | None) -> str:
    """2.25 → `×2.25`: how often a usual value fits in."""
    return NO_DATA if value is None else f"×{_three_digits(value)}"


def money(value: Decimal | float | None) -> str:
    """Two decimals; the currency stands beside it, because currencies are never summed."""
    return NO_DATA if value is None else f"{value:,.2f}"


def text(value: object) -> str:
    """Any text; empty and NULL are named."""
    return "(none)" if value is None or value == "" else str(value)


def day(value: date | None) -> str:
    """`16 Nov`: the year stands in the title."""
    return NO_DATA if value is None else f"{value.day}{NBSP}{value:%b}"


def long_day(value: date | None) -> str:
    """`16 Nov 2026`."""
    return NO_DATA if value is None else f"{value.day}{NBSP}{value:%b}{NBSP}{value:%Y}"


def moment(value: datetime | None) -> str:
    """`16 Nov 14:00`, UTC."""
    return NO_DATA if value is None else f"{value.day}{NBSP}{value:%b}{NBSP}{value:%H:%M}"


def plural(value: float, noun: str) -> str:
    """`1 row`, `2 rows`, `3 currencies`."""
    if round(value) == 1:
        return f"1 {noun}"
    return f"{count(value)} {noun[:-1]}ies" if noun.endswith("cy") else f"{count(value)} {noun}s"


def _short(value: float) -> str:
    return (
        f"{value:.0f}" if value >= 9.95 or value == int(value) else f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"
    )


def _three_digits(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
