"""When things happen: busy and quiet hours, and a margin around midnight."""

from __future__ import annotations

from random import Random

from pipelines.demo.catalog import HOURLY_TRAFFIC, NS_PER_DAY, NS_PER_SECOND
from pipelines.demo.shop import HOUR_NS


def moment(rng: Random, midnight_ns: int) -> int:
    """A random time of the day that begins at `midnight_ns`, likelier in busy hours."""
    hour = rng.choices(range(24), HOURLY_TRAFFIC)[0]
    return midnight_ns + hour * HOUR_NS + rng.randrange(HOUR_NS)


def clear_of_midnight(time_ns: int) -> int:
    """The same time, or a little past midnight when it comes within 30 s before it or 8 s after."""
    until_ns = NS_PER_DAY - time_ns % NS_PER_DAY
    if until_ns < 30 * NS_PER_SECOND:
        return time_ns + until_ns + 8 * NS_PER_SECOND
    if NS_PER_DAY - until_ns < 8 * NS_PER_SECOND:
        return time_ns + 8 * NS_PER_SECOND
    return time_ns
