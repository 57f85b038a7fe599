"""Metric points one by one, and the requests that carry them: the part of the metrics that knows OTLP's shapes."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from pipelines.demo.catalog import NS_PER_SECOND
from pipelines.demo.otlp import Source, any_value
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.sources import pod_source
from pipelines.demo.tally import Observation, Series, export_time_ns

BOUNDS_MS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
DESCRIPTIONS = {
    "page.views": ("Total page views", "1"), "user.login.attempts": ("Total login attempts", "1"),
    "user.login.duration": ("Login operation duration", "ms"), "user.registration": ("Registrations", "1"),
    "user.operations": ("User operations counter", "1"), "user.cache.hits": ("Cache hit counter", "1"),
    "user.active.count": ("Number of active users", "1"), "api.calls": ("Total API calls", "1"),
    "api.duration": ("API call duration", "ms"), "payment.transactions": ("Total payment transactions", "1"),
    "payment.latency": ("Payment processing latency", "ms"),
    "http.server.request.duration": ("Duration of HTTP server requests.", "s"),
    "go.gc.pause": ("GC pauses", "ms"), "user_registration_total": ("Invited friends who registered", "1"),
}  # fmt: skip
EXPONENTIAL = ("payment.latency", "http.server.request.duration")
Temporality: TypeAlias = pb.AggregationTemporality.ValueType
CUMULATIVE = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = pb.AGGREGATION_TEMPORALITY_DELTA

Point = tuple[int, Source, pb.Metric]  # time ns, who exports, a metric with one point


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
            resource = Resource(attributes=pairs(source.attributes))
            scope = pb.ScopeMetrics(
                scope=InstrumentationScope(name="shop.metrics", version="1"), metrics=_merged(metrics)
            )
            request.resource_metrics.append(pb.ResourceMetrics(resource=resource, scope_metrics=[scope]))
        last_ns = max(time_ns for time_ns, _, _ in window)
        yield last_ns + 3 * NS_PER_SECOND, window, request.SerializeToString(deterministic=True)


def sum_point(shop: Shop, series: Series, interval: int, start_ns: int, value: int, temporality: Temporality) -> Point:
    time_ns = export_time_ns(shop, series.pod.environment, interval)
    point = pb.NumberDataPoint(
        start_time_unix_nano=start_ns, time_unix_nano=time_ns, as_int=value, attributes=pairs(series.attributes)
    )
    data = pb.Sum(
        data_points=[point], aggregation_temporality=temporality, is_monotonic=series.metric != "user.active.count"
    )
    return time_ns, pod_source(*series.pod), metric_of(series.metric, sum=data)


def histogram_point(
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
        "attributes": pairs(series.attributes), "min": min(values, default=0.0), "max": max(values, default=0.0),
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
        return time_ns, pod_source(*series.pod), metric_of(series.metric, exponential_histogram=data)
    counts = [0] * (len(BOUNDS_MS) + 1)
    for value in values:
        counts[bisect_left(BOUNDS_MS, value)] += 1
    explicit = pb.HistogramDataPoint(bucket_counts=counts, explicit_bounds=BOUNDS_MS, **common)
    histogram = pb.Histogram(data_points=[explicit], aggregation_temporality=temporality)
    return time_ns, pod_source(*series.pod), metric_of(series.metric, histogram=histogram)


def metric_of(name: str, **data: object) -> pb.Metric:
    description, unit = DESCRIPTIONS[name]
    return pb.Metric(name=name, description=description, unit=unit, **data)  # type: ignore[arg-type]


def pairs(attributes: Iterable[tuple[str, object]]) -> list[KeyValue]:
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
