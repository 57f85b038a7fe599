"""Time windows of OpenSLO: the budget's window in whole UTC days, and time slices on the 5-minute grid."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from pipelines.render.places import Place

GRID_MINUTES = 5
DAY_MINUTES = 1440
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_MINUTES = {"m": 1, "h": 60, "d": DAY_MINUTES}
_NOMINAL_MONTH_DAYS = 30
_UTC = ("UTC", "Etc/UTC")


@dataclass(frozen=True)
class Window:
    """`length` units of day or month. A calendar window repeats from its anchor; `days` is its nominal length."""

    kind: str
    unit: str
    length: int
    anchor_date: str
    days: int


def window(place: Place) -> Window:
    """The one window of a `timeWindow` list."""
    items = place.items()
    if len(items) > 1:
        raise items[1].error(f"{place.name} takes one window")
    parts = items[0].fields(["duration"], ["isRolling", "calendar"])
    is_rolling = parts["isRolling"].boolean() if "isRolling" in parts else "calendar" not in parts
    if is_rolling == ("calendar" in parts):
        raise items[0].error(f"{items[0].name} is either rolling (isRolling: true) or has a calendar")
    return _rolling(parts["duration"]) if is_rolling else _calendar(parts["duration"], parts["calendar"])


def slice_minutes(place: Place) -> int:
    """Minutes of a time slice; a bare number is minutes. It divides a day and stands on the 5-minute grid."""
    if place.is_number:
        minutes = int(place.number())
    else:
        count, unit = _duration(place, _MINUTES)
        minutes = count * _MINUTES[unit]
    if minutes < GRID_MINUTES or minutes % GRID_MINUTES or DAY_MINUTES % minutes:
        raise place.error(f"{place.name} must be a multiple of 5m that divides a day, such as 5m, 15m or 1h")
    return minutes


def _rolling(place: Place) -> Window:
    count, unit = _duration(place, _DAYS)
    days = count * _DAYS[unit]
    return Window("rolling", "day", days, "", days)


def _calendar(duration: Place, calendar: Place) -> Window:
    count, unit = _duration(duration, {**_DAYS, **_MONTHS})
    anchor = _anchor(calendar)
    if unit in _DAYS:
        days = count * _DAYS[unit]
        return Window("calendar", "day", days, anchor.isoformat(), days)
    if anchor.day != 1:
        raise calendar.error(f"{calendar.name}.startTime must be the first of a month for a window of {count}{unit}")
    months = count * _MONTHS[unit]
    return Window("calendar", "month", months, anchor.isoformat(), months * _NOMINAL_MONTH_DAYS)


def _anchor(calendar: Place) -> date:
    parts = calendar.fields(["startTime", "timeZone"])
    if parts["timeZone"].text() not in _UTC:
        raise parts["timeZone"].error(f"{parts['timeZone'].name} must be UTC: days of the marts are UTC days")
    try:
        start = datetime.fromisoformat(parts["startTime"].text())
    except ValueError:
        raise parts["startTime"].error(f"{parts['startTime'].name} must be a time as 2026-01-01 00:00:00") from None
    if start != datetime(start.year, start.month, start.day):
        raise parts["startTime"].error(f"{parts['startTime'].name} must be a midnight without a zone")
    return start.date()


def _duration(place: Place, units: dict[str, int]) -> tuple[int, str]:
    found = re.fullmatch(r"([1-9][0-9]{0,3})([a-zA-Z])", place.text())
    if not found or found[2] not in units:
        raise place.error(f"{place.name} must be a number and one of {', '.join(units)} (as 30{next(iter(units))})")
    return int(found[1]), found[2]
