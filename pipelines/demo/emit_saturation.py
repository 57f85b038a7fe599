"""What the cluster's agents report beside the shop: utilisation of nodes and pods, and the Go runtime's pauses."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from pipelines.demo.catalog import HOURLY_TRAFFIC, NS_PER_DAY, SERVICES
from pipelines.demo.metric_points import Point, metric_of
from pipelines.demo.otlp import Source
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.sources import NODES, node_attributes, pod_source
from pipelines.demo.tally import export_time_ns, interval_of


def saturation(shop: Shop) -> Iterator[Point]:
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


def pauses(shop: Shop) -> Iterator[Point]:
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
        yield time_ns, source, metric_of("go.gc.pause", summary=pb.Summary(data_points=[point]))
