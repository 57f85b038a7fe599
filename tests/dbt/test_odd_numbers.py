"""Numbers that anybody may send and nobody can mean: a build with all its tests passes, and they count for nothing."""

import math
from typing import Any

from tests.dbt.conftest import Builder, Row, at, order, page_view, span

LARGEST = 2**63 - 1


def request(trace_id: str, service: str, weight: float, source: str = "ot_th", **columns: Any) -> Row:
    told = {"name": "GET /a", "http_route": "/a", "http_method": "GET", "service_name": service}
    return span("1 10:00:00", trace_id, **told, adjusted_count=weight, sampling_source=source, **columns)


def point(clock: str, series_id: str, **columns: Any) -> Row:
    return {"time": at(f"1 {clock}"), "series_id": series_id, "service_name": "host", **columns}


def histogram(clock: str, count: int) -> Row:
    told = {"metric_name": "rpc.duration", "metric_type": "HISTOGRAM", "temporality": "DELTA", "value": None}
    buckets = {"count": count, "sum": 1e308, "bucket_counts": [count, 0], "explicit_bounds": [1.0]}
    return point(clock, "h", **told, start_time=at("1 09:00:00"), **buckets)


def test_a_weight_over_a_million_is_not_believed_and_one_below_1_is_no_sample(builder: Builder) -> None:
    """th:ffffffffffffff is a weight of 2^56, p:63 one of 0; tracestate comes from whoever calls."""
    weights = (2.0**56, "ot_th"), (4.0, "ot_th"), (1e300, "weight_attribute")
    web = [request(f"w{i}", "web", *weight) for i, weight in enumerate(weights)]
    edge = [request("e1", "edge", 0.0, "ot_p"), request("e2", "edge", 1.0, "ot_p")]
    builder.lake.add("u1", "traces", [*web, *edge, request("l1", "low", 0.25, "weight_attribute")])
    builder.build()
    assert builder.query(
        "select service_name, sampling_source, observed_span_count, span_count, unknown_span_count, coverage_ratio "
        "from marts.fct_sampling_coverage_daily order by service_name"
    ) == [
        ("edge", "ot_p", 2, 1.0, 0, 1.0),
        ("low", "weight_attribute", 1, 0.25, 0, 1.0),
        ("web", "mixed", 3, 6.0, 2, 0.5),
    ]


def test_numbers_that_no_sum_can_hold_leave_the_others_right(builder: Builder) -> None:
    builder.lake.add(
        "u1",
        "traces",
        [
            page_view("1 10:00:00", "t1", "home", "s1", page_load_time_ms=math.nan),
            page_view("1 10:00:01", "t2", "home", "s1", page_load_time_ms=1e300),
            page_view("1 10:00:02", "t3", "home", "s1", page_load_time_ms=120.0),
            order("1 10:00:03", "t4", "o1", "90000000000000000000000000000", order_items_count=LARGEST),
            order("1 10:00:04", "t5", "o2", "90000000000000000000000000000", order_items_count=LARGEST),
            order("1 10:00:05", "t6", "o3", "20.50", order_items_count=3),
            *(request(f"l{i}", "web", 1.0, duration_ns=LARGEST, duration_ms=LARGEST / 1e6) for i in range(3)),
        ],
    )
    told = {"metric_name": "system.cpu.utilization", "attributes": [{"key": "cpu.mode", "value": "user"}]}
    values = math.nan, math.inf, 1e300, 0.25
    gauges = [point(f"10:0{i}:00", "c", **told, value=value) for i, value in enumerate(values)]
    builder.lake.add("u2", "metrics", [*gauges, histogram("10:00:00", LARGEST), histogram("10:01:00", LARGEST)])
    builder.build()
    assert builder.query(
        "select count(*), count(page_load_time_ms), max(page_load_time_ms) from marts.fct_page_views"
    ) == [(3, 1, 120.0)]
    assert builder.query(
        "select order_count, valued_order_count, item_count, revenue::varchar from marts.fct_revenue_daily"
    ) == [(3, 1, 3, "20.500000000")]
    assert builder.query("select sample_count, mean_utilization, max_utilization from marts.fct_saturation_hourly") == [
        (1, 0.25, 0.25)
    ]
    assert builder.query("select observation_count from marts.fct_metric_histograms_hourly") == [(None,)]


def test_an_infinite_bound_is_none(builder: Builder) -> None:
    """Some name the end of the last bucket, which OTLP leaves out: 2 up to 10, 2 above, which lie at 10 or more."""
    told = {"metric_name": "rpc.duration", "metric_type": "HISTOGRAM", "temporality": "DELTA", "value": None}
    buckets = {"count": 4, "sum": 40.0, "bucket_counts": [2, 2, 0], "explicit_bounds": [10.0, math.inf]}
    builder.lake.add("u1", "metrics", [point("10:00:00", "h", **told, start_time=at("1 09:00:00"), **buckets)])
    builder.build()
    assert builder.query("select p50_value, p95_value, p99_value from marts.fct_metric_histograms_hourly") == [
        (10.0, 10.0, 10.0)
    ]
