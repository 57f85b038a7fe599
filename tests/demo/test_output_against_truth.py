"""What the official classes count in the output is what the truth says was sent."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.demo.reading import Demo, bad_span, date, text

NS_PER_DAY = 86_400 * 10**9
ENVIRONMENT = ("deployment.environment.name", "deployment.environment")


def counted(rows: list[dict[str, Any]], keys: tuple[str, ...], measure: str) -> Counter[tuple[str, ...]]:
    return Counter({tuple(str(row[key]) for key in keys): row[measure] for row in rows})


def distinct_spans(demo: Demo) -> dict[tuple[bytes, bytes, int], tuple[Any, Any]]:
    """One span a key: the one that ends last."""
    found: dict[tuple[bytes, bytes, int], tuple[Any, Any]] = {}
    for resource, span in demo.spans:
        key = (span.trace_id, span.span_id, span.kind)
        if key not in found or span.end_time_unix_nano > found[key][1].end_time_unix_nano:
            found[key] = resource, span
    return found


def test_messages_are_those_of_the_truth(demo: Demo) -> None:
    readable = Counter(m.signal for m in demo.messages if m.request is not None)
    assert readable == {row["signal"]: row["message_count"] for row in demo.truth["messages"]}


def test_spans_by_service_kind_status_and_date_are_those_of_the_truth(demo: Demo) -> None:
    found = Counter(
        (
            text(resource, *ENVIRONMENT),
            text(resource, "service.name"),
            Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
            Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
            date(span.start_time_unix_nano),
        )
        for resource, span in distinct_spans(demo).values()
    )
    keys = ("environment", "service_name", "kind", "status_code", "event_date")
    assert found == counted(demo.truth["spans"], keys, "span_count")


def test_log_records_by_service_severity_and_date_are_those_of_the_truth(demo: Demo) -> None:
    found = Counter(
        (
            text(resource, *ENVIRONMENT),
            text(resource, "service.name"),
            log.severity_text,
            day,
        )
        for resource, log, day in demo.logs
    )
    assert found == counted(
        demo.truth["logs"], ("environment", "service_name", "severity_text", "event_date"), "log_count"
    )


def test_rows_of_distinct_requests_are_what_outside_counts_says(demo: Demo) -> None:
    found: Counter[tuple[str, str]] = Counter()
    found.update(("traces", date(span.start_time_unix_nano)) for _, span in demo.spans)
    found.update(("logs", day) for _, _, day in demo.logs)
    found.update(("metrics", date(point.time_unix_nano)) for _, _, point in demo.points)
    outside = json.loads((demo.directory / "outside_counts.json").read_text())
    assert {row["counted_by"] for row in outside} == {"demo truth"}
    assert found == counted(outside, ("table_name", "event_date"), "row_count")


def test_distinct_spans_a_day_leave_out_those_that_were_batched_again(demo: Demo) -> None:
    found = Counter(date(span.start_time_unix_nano) for _, span in distinct_spans(demo).values())
    rows = [row for row in demo.truth["rows"] if row["table_name"] == "traces"]
    assert found == {row["event_date"]: row["distinct_row_count"] for row in rows}
    assert sum(row["row_count"] - row["distinct_row_count"] for row in rows) > 0


def test_latency_of_an_answered_route_is_that_of_its_server_spans(demo: Demo) -> None:
    day = min(row["date"] for row in demo.truth["latency_daily"])
    durations = sorted(
        span.end_time_unix_nano - span.start_time_unix_nano
        for resource, span in distinct_spans(demo).values()
        if span.name == "POST /api/login"
        and span.kind == Span.SPAN_KIND_SERVER
        and text(resource, "deployment.environment") == "production"
        and date(span.start_time_unix_nano) == day
    )
    truth = next(
        row
        for row in demo.truth["latency_daily"]
        if (row["environment"], row["service_name"], row["http_route"], row["date"])
        == ("production", "auth-service", "/api/login", day)
    )
    assert len(durations) == truth["request_count"]
    assert durations[-(-len(durations) * 95 // 100) - 1] == truth["p95_ns"]


def test_the_sampled_service_sends_the_requests_that_the_truth_calls_kept(demo: Demo) -> None:
    found = Counter(
        span.trace_state
        for resource, span in distinct_spans(demo).values()
        if text(resource, "service.name") == "user-service" and span.name == "GET /api/users/<user_id>"
    )
    assert found == {"ot=th:c": demo.truth["sampling"]["kept_request_count"]}
    assert all(span.trace_id[9] >= 0xC0 for _, span in demo.spans if span.trace_state)


def test_orders_and_revenue_are_those_of_the_truth(demo: Demo) -> None:
    found: dict[tuple[str, str, str], dict[str, Decimal]] = {}
    for resource, span in distinct_spans(demo).values():
        if span.name == "POST /api/orders" and text(span.attributes, "order.id"):
            total = next(a.value.double_value for a in span.attributes if a.key == "order.total")
            key = (
                text(resource, *ENVIRONMENT),
                date(span.start_time_unix_nano),
                text(span.attributes, "order.currency"),
            )
            found.setdefault(key, {})[text(span.attributes, "order.id")] = Decimal(str(total))
    truth = {(r["environment"], r["order_date"], r["order_currency"]): r for r in demo.truth["orders"]}
    assert {k: len(v) for k, v in found.items()} == {k: r["order_count"] for k, r in truth.items()}
    assert {k: sum(v.values()) for k, v in found.items()} == {k: Decimal(r["amount_total"]) for k, r in truth.items()}


def test_exceptions_on_spans_and_log_records_are_those_of_the_truth(demo: Demo) -> None:
    on_spans = Counter(
        (text(resource, *ENVIRONMENT), text(resource, "service.name"), text(event.attributes, "exception.type"))
        for resource, span in distinct_spans(demo).values()
        for event in span.events
        if event.name == "exception"
    )
    on_logs = Counter(
        (text(resource, *ENVIRONMENT), text(resource, "service.name"), text(log.attributes, "exception.type"))
        for resource, log, _ in demo.logs
        if text(log.attributes, "exception.type")
    )
    for row in demo.truth["errors"]:
        assert sum(row["exception_count_by_version"].values()) == row["exception_count"]
    keys = ("environment", "service_name", "exception_type")
    assert on_spans == +counted(demo.truth["errors"], keys, "span_event_count")
    assert on_logs == +counted(demo.truth["errors"], keys, "log_record_count")


def test_logins_by_status_and_reason_are_the_login_spans(demo: Demo) -> None:
    found = Counter(
        (
            text(resource, *ENVIRONMENT),
            date(span.start_time_unix_nano),
            text(span.attributes, "login.status") or "error",
            text(span.attributes, "login.failure_reason"),
        )
        for resource, span in distinct_spans(demo).values()
        if span.name == "user.login"
    )
    keys = ("environment", "event_date", "login_status", "login_failure_reason")
    assert found == counted(demo.truth["logins"], keys, "login_count")


def test_registrations_are_spans_and_log_events_alike(demo: Demo) -> None:
    on_spans = Counter(
        (text(resource, *ENVIRONMENT), date(span.start_time_unix_nano))
        for resource, span in distinct_spans(demo).values()
        if span.name == "user.registration"
    )
    on_logs = Counter(
        (text(resource, *ENVIRONMENT), day) for resource, log, day in demo.logs if log.event_name == "user.registration"
    )
    truth = counted(demo.truth["registrations"], ("environment", "event_date"), "registration_count")
    assert on_spans == on_logs == truth


def test_payments_by_method_gateway_and_status_are_the_payment_spans(demo: Demo) -> None:
    gateways = {
        span.parent_span_id: text(span.attributes, "gateway.name")
        for _, span in distinct_spans(demo).values()
        if span.name == "callPaymentGateway"
    }
    found: dict[tuple[str, ...], list[Decimal]] = {}
    for resource, span in distinct_spans(demo).values():
        if span.name == "PaymentService.ProcessPayment":
            key = (
                text(resource, *ENVIRONMENT), date(span.start_time_unix_nano), text(span.attributes, "payment.method"),
                gateways.get(span.span_id, ""), text(span.attributes, "payment.status", "error.type"),
                text(span.attributes, "payment.currency"),
            )  # fmt: skip
            amount = next(a.value.double_value for a in span.attributes if a.key == "payment.amount")
            found.setdefault(key, []).append(Decimal(str(amount)))
    keys = ("environment", "event_date", "payment_method", "payment_gateway", "payment_status", "payment_currency")
    truth = {
        tuple(row[key] for key in keys): (row["payment_count"], Decimal(row["amount_total"]))
        for row in demo.truth["payments"]
    }
    assert {key: (len(amounts), sum(amounts)) for key, amounts in found.items()} == truth


def test_active_users_of_a_day_are_the_users_on_its_spans(demo: Demo) -> None:
    users = {
        (text(resource, *ENVIRONMENT), date(span.start_time_unix_nano), text(span.attributes, "user.id"))
        for resource, span in distinct_spans(demo).values()
        if text(span.attributes, "user.id") and text(resource, "service.name") != "frontend-app"
    }
    # a browser whose clock is wrong still says who is there, but the server's clock says when
    in_app = {
        (text(resource, *ENVIRONMENT), date(span.start_time_unix_nano), text(span.attributes, "user.id"))
        for resource, span in distinct_spans(demo).values()
        if text(span.attributes, "user.id")
    }
    truth = counted(demo.truth["active_users"], ("environment", "event_date"), "user_count")
    assert Counter(key[:2] for key in users | in_app) == truth


def test_excluded_requests_are_those_of_machines(demo: Demo) -> None:
    found: Counter[tuple[str, ...]] = Counter()
    for resource, span in distinct_spans(demo).values():
        if span.kind == Span.SPAN_KIND_SERVER:
            kind = text(span.attributes, "user_agent.synthetic.type")
            reason = {"bot": "bot", "test": "synthetic"}.get(
                kind, "health_check" if span.name == "GET /healthz" else ""
            )
            day = date(span.start_time_unix_nano)
            found[text(resource, *ENVIRONMENT), day, reason, text(resource, "service.name")] += bool(reason)
    # hand-made instrumentation of order-service has no SERVER spans, but its probes do
    keys = ("environment", "event_date", "reason", "service_name")
    assert +found == +counted(demo.truth["excluded"], keys, "kept_request_count")


def test_histograms_hold_what_the_truth_observed(demo: Demo) -> None:
    last: dict[tuple[str, ...], dict[int, tuple[int, float]]] = {}
    for resource, metric, point in demo.points:
        kind = metric.WhichOneof("data")
        if kind in ("histogram", "exponential_histogram"):
            is_delta = getattr(metric, kind).aggregation_temporality == 1
            attributes = json.dumps({a.key: a.value.string_value for a in point.attributes}, sort_keys=True)
            key = (text(resource, "service.instance.id"), metric.name, attributes)
            period = point.time_unix_nano if is_delta else point.start_time_unix_nano
            best = last.setdefault(key, {}).get(period, (0, 0.0))
            last[key][period] = max(best, (point.count, point.sum))
            in_buckets = sum(point.bucket_counts if kind == "histogram" else point.positive.bucket_counts)
            assert in_buckets == point.count
    truth = {
        (row["service_instance_id"], row["metric_name"], json.dumps(row["attributes"], sort_keys=True)): row
        for row in demo.truth["histograms"]
    }
    assert {k: sum(n for n, _ in v.values()) for k, v in last.items()} == {k: r["count"] for k, r in truth.items()}
    for key, periods in last.items():
        assert abs(sum(total for _, total in periods.values()) - truth[key]["sum"]) <= 1e-9 * truth[key]["sum"]


def test_a_confirmation_is_linked_to_the_order_it_confirms(demo: Demo) -> None:
    spans = {(span.trace_id, span.span_id): span for _, span in demo.spans}
    consumers = [span for _, span in distinct_spans(demo).values() if span.kind == Span.SPAN_KIND_CONSUMER]
    for consumer in consumers:
        producer = spans[consumer.links[0].trace_id, consumer.links[0].span_id]
        assert producer.kind == Span.SPAN_KIND_PRODUCER
        assert text(producer.attributes, "order.id") == text(consumer.attributes, "order.id")
    assert len(consumers) == sum(row["order_count"] for row in demo.truth["orders"])


def test_page_views_by_page_and_date_are_the_traces_that_show_them(demo: Demo) -> None:
    seen: dict[tuple[str, bytes, str], list[int]] = {}
    machines = {span.trace_id for _, span in demo.spans if text(span.attributes, "user_agent.synthetic.type")}
    for resource, span in distinct_spans(demo).values():
        page = text(span.attributes, "page.name")
        if page and span.name in ("page.view", "GET /pages/:pageName") and span.trace_id not in machines:
            seen.setdefault((text(resource, *ENVIRONMENT), span.trace_id, page), []).append(span.start_time_unix_nano)
    found = Counter((environment, date(min(times)), page) for (environment, _, page), times in seen.items())
    assert found == counted(demo.truth["page_views"], ("environment", "event_date", "page_name"), "page_view_count")


def test_counter_increases_are_those_that_the_points_show(demo: Demo) -> None:
    series: dict[tuple[str, ...], dict[int, tuple[int, int, int]]] = {}
    for resource, metric, point in demo.points:
        if metric.HasField("sum") and metric.sum.is_monotonic:
            attributes = json.dumps({a.key: a.value.string_value for a in point.attributes}, sort_keys=True)
            key = (text(resource, "service.instance.id"), metric.name, attributes)
            series.setdefault(key, {})[point.time_unix_nano] = (
                metric.sum.aggregation_temporality, point.start_time_unix_nano, point.as_int,
            )  # fmt: skip
    first_day = min(row["event_date"] for row in demo.truth["rows"])
    found = {key: increase(sorted(by_time.items()), first_day) for key, by_time in series.items()}
    truth = {
        (row["service_instance_id"], row["metric_name"], json.dumps(row["attributes"], sort_keys=True)): row["increase"]
        for row in demo.truth["counters"]
    }
    assert found == truth


def increase(series: list[tuple[int, tuple[int, int, int]]], first_day: str) -> int:
    """Increase of a sum as a reader knows it: resets start anew, history from before the first day does not count."""
    total, before = 0, None
    for _, (temporality, start_ns, value) in series:
        if temporality == 1:  # delta
            total += value
        elif before is None:
            total += value if date(start_ns) >= first_day else 0
        elif before[0] != start_ns or value < before[1]:
            total += value
        else:
            total += value - before[1]
        before = (start_ns, value)
    return total


def test_spans_that_cannot_be_rows_are_the_dead_letters_of_the_truth(demo: Demo) -> None:
    found = Counter(bad_span(span) for _, span in demo.all_spans)
    del found[""]
    letters = [row for row in demo.truth["dead_letters"] if (row["signal"], row["scope"]) == ("traces", "row")]
    assert found == {row["reason"]: row["dead_letter_count"] for row in letters}


def test_messages_that_nobody_can_read_are_the_dead_letters_of_the_truth(demo: Demo) -> None:
    letters = [row for row in demo.truth["dead_letters"] if row["scope"] == "message"]
    unreadable = [m.path for m in demo.messages if m.request is None]
    assert len(unreadable) == sum(row["dead_letter_count"] for row in letters) == 7


def test_a_batch_of_the_first_day_arrives_after_the_last(demo: Demo) -> None:
    manifest = [json.loads(line) for line in (demo.directory / "manifest.jsonl").read_text().splitlines()]
    late = [entry for entry in manifest if "late" in entry["path"]]
    first_day = min(row["event_date"] for row in demo.truth["rows"])
    message = next(m for m in demo.messages if m.path == late[0]["path"])
    times = [s.start_time_unix_nano for r in message.request.resource_spans for c in r.scope_spans for s in c.spans]
    assert len(late) == 1
    assert {date(t) for t in times} == {first_day}
    assert late[0]["received_unix_ns"] - min(times) > NS_PER_DAY
