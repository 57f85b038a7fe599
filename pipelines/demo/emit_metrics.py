"""Tallies → metric requests: cumulative and delta sums, both histogram kinds, gauges, an up-down counter, a summary.

A pod exports from its first recording until it is replaced. Three things go wrong on the first day: auth-service
restarts (its start time moves), payment-service drops to 0 without a new start time, and a gauge has a gap.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, TypeAlias

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from pipelines.demo.catalog import HOURLY_TRAFFIC, NS_PER_DAY, NS_PER_SECOND, SERVICES
from pipelines.demo.otlp import Source, any_value
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.sources import NODES, node_attributes, pod_source
from pipelines.demo.tally import Observation, Pod, Series, Tally, export_time_ns, interval_of

BOUNDS_MS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
DESCRIPTIONS = {
    "page.views": ("Total page views", "1"), "user.login.attempts": ("Total login attempts", "1"),
    "user.login.duration": ("Login operation duration", "ms"), "user.registration": ("Registrations", "1"),
    "user.operations": ("User operations counter", "1"), "user.cache.hits": ("Cache hit counter", "1"),
    "user.active.count": ("Number of active users", "1"), "api.calls": ("Total API calls", "1"),
    "api.duration": ("API call duration", "ms"), "payment.transactions": ("Total payment transactions", "1"),
    "payment.latency": ("Payment processing latency", "ms"),
    "http.server.request.duration": ("Duration of HTTP server requests.", "s"),
    "go.gc.pause": ("GC pauses", "ms"),
}  # fmt: skip
DELTA_SERVICE = "frontend-service"
EXPONENTIAL = ("payment.latency", "http.server.request.duration")
LONG_RUNNING_SERVICE = "user-service"  # started before the shop's first day: its first points carry history
LONG_RUNNING_BASE = 52_000
Temporality: TypeAlias = pb.AggregationTemporality.ValueType
CUMULATIVE = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = pb.AGGREGATION_TEMPORALITY_DELTA

Point = tuple[int, Source, pb.Metric]  # time ns, who exports, a metric with one point


def points(shop: Shop, tally: Tally) -> Iterator[Point]:
    """Every point that the shop exports, series by series."""
    for series in sorted(tally.counts):
        yield from _counter(shop, series, tally.counts[series])
    for series in sorted(tally.observations):
        yield from _histogram(shop, series, tally.observations[series])
    yield from _active_users(shop, tally)
    yield from _saturation(shop)
    yield from _pauses(shop)


def requests(shop: Shop, exported: Iterable[Point]) -> Iterator[tuple[int, list[Point], bytes]]:
    """(received ns, its points, bytes) of one request for every half hour, points grouped by resource."""
    windows: dict[int, list[Point]] = defaultdict(list)
    for point in exported:
        windows[(point[0] - shop.start_ns) // (HOUR_NS // 2)].append(point)
    for _, window in sorted(windows.items()):
        groups: dict[Source, list[pb.Metric]] = defaultdict(list)
        for _, source, metric in window:
            groups[source].append(metric)
        request = ExportMetricsServiceRequest()
        for source, metrics in groups.items():
            resource = Resource(attributes=_pairs(source.attributes))
            scope = pb.ScopeMetrics(
                scope=InstrumentationScope(name="shop.metrics", version="1"), metrics=_merged(metrics)
            )
            request.resource_metrics.append(pb.ResourceMetrics(resource=resource, scope_metrics=[scope]))
        last_ns = max(time_ns for time_ns, _, _ in window)
        yield last_ns + 3 * NS_PER_SECOND, window, request.SerializeToString(deterministic=True)


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
            yield _sum_point(shop, series, interval, start_ns, count, DELTA)
        return
    start_ns, last = lifetime(shop, series.pod)
    base = LONG_RUNNING_BASE if series.pod.service == LONG_RUNNING_SERVICE else 0
    first = 0 if base else min(increments)
    total, has_dropped = base, False
    restart = restart_interval(shop) if series.pod.environment == "production" else -1
    for interval in range(first, last + 1):
        total += increments.get(interval, 0)
        yield _sum_point(shop, series, interval, start_ns, total, CUMULATIVE)
        if series.pod.service == "auth-service" and interval == restart:
            total, start_ns = 0, export_time_ns(shop, "production", interval) + NS_PER_SECOND
        elif (
            series.pod.service == "payment-service"
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
        yield _histogram_point(shop, series, interval, start_ns, seen, new[-1:], DELTA if is_delta else CUMULATIVE)
        if series.pod.service == "auth-service" and interval == restart:
            seen, start_ns = [], export_time_ns(shop, "production", interval) + NS_PER_SECOND


def _sum_point(shop: Shop, series: Series, interval: int, start_ns: int, value: int, temporality: Temporality) -> Point:
    time_ns = export_time_ns(shop, series.pod.environment, interval)
    point = pb.NumberDataPoint(
        start_time_unix_nano=start_ns, time_unix_nano=time_ns, as_int=value, attributes=_pairs(series.attributes)
    )
    data = pb.Sum(
        data_points=[point], aggregation_temporality=temporality, is_monotonic=series.metric != "user.active.count"
    )
    return time_ns, pod_source(*series.pod), _metric(series.metric, sum=data)


def _histogram_point(
    shop: Shop,
    series: Series,
    interval: int,
    start_ns: int,
    values: list[float],
    exemplars: list[Observation],
    temporality: Temporality,
) -> Point:
    time_ns = export_time_ns(shop, series.pod.environment, interval)
    common: dict[str, Any] = {
        "start_time_unix_nano": start_ns, "time_unix_nano": time_ns, "count": len(values), "sum": math.fsum(values),
        "attributes": _pairs(series.attributes), "min": min(values, default=0.0), "max": max(values, default=0.0),
        "exemplars": [pb.Exemplar(time_unix_nano=o.time_ns, as_double=o.value, trace_id=o.trace_id) for o in exemplars],
    }  # fmt: skip
    if series.metric in EXPONENTIAL:
        scale = 3 - series.pod.number  # pods differ, as SDKs that rescale do
        indexes = [math.ceil(math.log2(v) * 2**scale) - 1 for v in values]
        low = min(indexes, default=0)
        buckets = [0] * (max(indexes, default=-1) - low + 1)
        for index in indexes:
            buckets[index - low] += 1
        exponential = pb.ExponentialHistogramDataPoint(
            scale=scale, positive=pb.ExponentialHistogramDataPoint.Buckets(offset=low, bucket_counts=buckets), **common
        )
        data = pb.ExponentialHistogram(data_points=[exponential], aggregation_temporality=temporality)
        return time_ns, pod_source(*series.pod), _metric(series.metric, exponential_histogram=data)
    counts = [0] * (len(BOUNDS_MS) + 1)
    for value in values:
        counts[bisect_left(BOUNDS_MS, value)] += 1
    explicit = pb.HistogramDataPoint(bucket_counts=counts, explicit_bounds=BOUNDS_MS, **common)
    histogram = pb.Histogram(data_points=[explicit], aggregation_temporality=temporality)
    return time_ns, pod_source(*series.pod), _metric(series.metric, histogram=histogram)


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
            yield _sum_point(
                shop, Series(pod, "user.active.count", ()), interval, start_ns, levels[pod][interval], CUMULATIVE
            )


def _saturation(shop: Shop) -> Iterator[Point]:
    """Utilisation of nodes and pods, 0..1, following the traffic; one gap (no recorded value) on the first day."""
    rng = Random(f"{shop.seed}/saturation")
    nodes = [
        (Source(node_attributes("production", node)), "system.{}.utilization", ("cpu", "memory", "filesystem"))
        for node in NODES
    ]
    pods = [
        (
            pod_source("production", service, shop.version("production", service, shop.start_ns), pod),
            "k8s.pod.{}_limit_utilization",
            ("cpu", "memory"),
        )
        for service, described in SERVICES.items()
        for pod in range(described.pods)
        if service not in ("order-service", "frontend-service")
    ]
    gap = interval_of(shop, "production", shop.start_ns + 8 * HOUR_NS)
    for source, pattern, resources in nodes + pods:
        for resource in resources:
            level = rng.uniform(0.2, 0.45)
            for interval in range(interval_of(shop, "production", shop.end_ns)):
                time_ns = export_time_ns(shop, "production", interval)
                traffic = HOURLY_TRAFFIC[time_ns % NS_PER_DAY // HOUR_NS] / 100
                value = round(
                    min(0.99, level + traffic * (0.6 if resource == "cpu" else 0.15) + rng.uniform(0, 0.05)), 4
                )
                missing = interval == gap and resource == "cpu" and source is nodes[2][0]
                point = (
                    pb.NumberDataPoint(time_unix_nano=time_ns, flags=1)
                    if missing
                    else pb.NumberDataPoint(time_unix_nano=time_ns, as_double=value)
                )
                yield (
                    time_ns,
                    source,
                    pb.Metric(name=pattern.format(resource), unit="1", gauge=pb.Gauge(data_points=[point])),
                )


def _pauses(shop: Shop) -> Iterator[Point]:
    """go.gc.pause of payment-service: a summary, as old Prometheus clients send it."""
    source = pod_source("production", "payment-service", "0.9.4", 0)
    for interval in range(0, interval_of(shop, "production", shop.end_ns), 3):
        time_ns = export_time_ns(shop, "production", interval)
        quantiles = [pb.SummaryDataPoint.ValueAtQuantile(quantile=q, value=v) for q, v in ((0.5, 0.21), (0.99, 1.4))]
        point = pb.SummaryDataPoint(
            start_time_unix_nano=shop.start_ns,
            time_unix_nano=time_ns,
            count=interval + 1,
            sum=0.25 * (interval + 1),
            quantile_values=quantiles,
        )
        yield time_ns, source, _metric("go.gc.pause", summary=pb.Summary(data_points=[point]))


def _metric(name: str, **data: object) -> pb.Metric:
    description, unit = DESCRIPTIONS[name]
    return pb.Metric(name=name, description=description, unit=unit, **data)  # type: ignore[arg-type]


def _pairs(attributes: Iterable[tuple[str, object]]) -> list[KeyValue]:
    return [KeyValue(key=k, value=any_value(v)) for k, v in attributes]  # type: ignore[arg-type]


def _merged(metrics: list[pb.Metric]) -> list[pb.Metric]:
    """One metric a name, holding the points of all."""
    by_name: dict[str, pb.Metric] = {}
    for metric in metrics:
        if metric.name in by_name:
            kind = metric.WhichOneof("data") or ""
            getattr(by_name[metric.name], kind).data_points.extend(getattr(metric, kind).data_points)
        else:
            by_name[metric.name] = metric
    return list(by_name.values())
