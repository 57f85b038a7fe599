"""The shop's calendar: which days it runs, which version of each service answers when, and what goes wrong.

One `Shop` is made from the command's options; everything random downstream comes from its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from pipelines.demo.catalog import NS_PER_DAY, NS_PER_SECOND
from pipelines.demo.model import Environment

HOUR_NS = 3600 * NS_PER_SECOND
BROKEN_RELEASE = "1.1.0"
BROKEN_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_ns` until before `end_ns`."""

    start_ns: int
    end_ns: int

    def __contains__(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.end_ns


@dataclass(frozen=True, slots=True)
class Shop:
    """`users` known customers in production, `days` UTC days from `start`."""

    seed: int
    start: date
    days: int
    users: int

    def day_start_ns(self, day: int) -> int:
        """Midnight (UTC) at which day `day` (0-based) begins."""
        return _midnight_ns(self.start) + day * NS_PER_DAY

    @property
    def start_ns(self) -> int:
        return self.day_start_ns(0)

    @property
    def end_ns(self) -> int:
        return self.day_start_ns(self.days)

    def user_count(self, environment: Environment) -> int:
        """Known customers; staging has a few testers."""
        return self.users if environment == "production" else max(4, self.users // 40)

    @property
    def broken_window(self) -> Window:
        """Second day, 10:00–14:00: order-service 1.1.0 is out and fails most orders. Past the end when days is 1."""
        return Window(self.day_start_ns(1) + 10 * HOUR_NS, self.day_start_ns(1) + 14 * HOUR_NS)

    @property
    def slow_gateway_window(self) -> Window:
        """First day, 19:00–19:30: the card gateway answers ten times slower."""
        return Window(self.day_start_ns(0) + 19 * HOUR_NS, self.day_start_ns(0) + 19 * HOUR_NS + HOUR_NS // 2)

    def version(self, environment: Environment, service: str, time_ns: int) -> str:
        """The release of a service that answers at `time_ns`; staging runs the newest all the time."""
        if service == "order-service":
            if environment == "staging" or time_ns >= self.broken_window.end_ns:
                return "1.1.1"
            return BROKEN_RELEASE if time_ns in self.broken_window else "1.0.0"
        if service == "frontend-service":
            return "2.0.0" if environment == "staging" or time_ns >= self.day_start_ns(2) else "1.4.2"
        return _STABLE[service]


_STABLE = {"user-service": "3.2.0", "auth-service": "1.8.1", "payment-service": "0.9.4", "email-service": "2.0.3"}


@cache
def _midnight_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_SECOND


def utc_date(time_ns: int) -> str:
    """UTC date of a time, as YYYY-MM-DD."""
    return _date_text(time_ns // NS_PER_DAY)


@cache
def _date_text(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
