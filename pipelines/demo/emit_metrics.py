"""Tallies → points: cumulative and delta sums, both histogram kinds, an up-down counter, and what agents report.

A pod exports from its first recording until it is replaced. Three things go wrong on the first day: auth-service
restarts (its start time moves), payment-service and email-service drop to 0 without a new start time, and a gauge has a
gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pipelines.demo.catalog import NS_PER_DAY, NS_PER_SECOND
from pipelines.demo.emit_saturation import pauses, saturation
from pipelines.demo.metric_points import CUMULATIVE, DELTA, Point, histogram_point, sum_point
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.tally import Observation, Pod, Series, Tally, export_time_ns, interval_of

DELTA_SERVICE = "frontend-service"
LONG_RUNNING_SERVICE = "user-service"  # started before the shop's first day: its first points carry history
LONG_RUNNING_BASE = 52_000


def points(shop: Shop, tally: Tally) -> Iterator[Point]:
    """Every point that the shop exports, series by series."""
    for series in sorted(tally.counts):
        yield from _counter(shop, series, tally.counts[series])
    for series in sorted(tally.observations):
        yield from _histogram(shop, series, tally.observations[series])
    yield from _active_users(shop, tally)
    yield from saturation(shop)
    yield from pauses(shop)


def restart_interval(shop: Shop) -> int:
    """Last interval before auth-service restarts (12:30) on the first day."""
    return interval_of(shop, "production", shop.start_ns + 12 * HOUR_NS + HOUR_NS // 2) - 1


def lifetime(shop: Shop, pod: Pod) -> tuple[int, int]:
    """Start of a pod's process in ns, and its last export interval."""
    last = interval_of(shop, pod.environment, shop.end_ns) - 1
    start_ns, broken = shop.start_ns, shop.broken_window
    if pod.service == LONG_RUNNING_SERVICE:
        start_ns -= 5 * NS_PER_DAY
    if pod.environment == "production" and pod.service == "order-service":
        starts = {"1.1.0": broken.start_ns, "1.1.1": broken.end_ns}
        ends = {"1.0.0": broken.start_ns, "1.1.0": broken.end_ns}
        start_ns = starts.get(pod.version, start_ns)
        last = min(last, interval_of(shop, "production", ends.get(pod.version, shop.end_ns)))
    return start_ns, last


def _counter(shop: Shop, series: Series, increments: dict[int, int]) -> Iterator[Point]:
    if series.pod.service == DELTA_SERVICE:
        for interval, count in sorted(increments.items()):
            start_ns = export_time_ns(shop, series.pod.environment, interval - 1)
            yield sum_point(shop, series, interval, start_ns, count, DELTA)
        return
    start_ns, last = lifetime(shop, series.pod)
    base = LONG_RUNNING_BASE if series.pod.service == LONG_RUNNING_SERVICE else 0
    first = 0 if base else min(increments)
    total, has_dropped = base, False
    restart = restart_interval(shop) if series.pod.environment == "production" else -1
    for interval in range(first, last + 1):
        total += increments.get(interval, 0)
        yield sum_point(shop, series, interval, start_ns, total, CUMULATIVE)
        if series.pod.service == "auth-service" and interval == restart:
            total, start_ns = 0, export_time_ns(shop, "production", interval) + NS_PER_SECOND
        elif (
            series.pod.service in ("payment-service", "email-service")
            and restart <= interval
            and restart >= 0
            and not has_dropped
            and increments.get(interval + 1, 0) < total
        ):
            total, has_dropped = 0, True


def _histogram(shop: Shop, series: Series, intervals: dict[int, list[Observation]]) -> Iterator[Point]:
    is_delta = series.pod.service == DELTA_SERVICE
    start_ns, last = lifetime(shop, series.pod)
    restart = restart_interval(shop) if series.pod.environment == "production" else -1
    seen: list[float] = []
    for interval in range(min(intervals), last + 1):
        new = intervals.get(interval, [])
        if is_delta and not new:
            continue
        if is_delta:
            seen, start_ns = [], export_time_ns(shop, series.pod.environment, interval - 1)
        seen.extend(o.value for o in new)
        yield histogram_point(shop, series, interval, start_ns, seen, new[-1:], DELTA if is_delta else CUMULATIVE)
        if series.pod.service == "auth-service" and interval == restart:
            seen, start_ns = [], export_time_ns(shop, "production", interval) + NS_PER_SECOND


def _active_users(shop: Shop, tally: Tally) -> Iterator[Point]:
    """user.active.count: an up-down counter whose level is the reads of each interval."""
    levels: dict[Pod, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for series, increments in tally.counts.items():
        if series.metric in ("user.cache.hits", "user.operations"):
            for interval, count in increments.items():
                levels[series.pod][interval] += count
    for pod in sorted(levels):
        start_ns, last = lifetime(shop, pod)
        for interval in range(last + 1):
            yield sum_point(
                shop, Series(pod, "user.active.count", ()), interval, start_ns, levels[pod][interval], CUMULATIVE
            )
