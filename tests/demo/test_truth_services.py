"""Who calls whom, traces and golden signals of whole demo runs, held to what the shop itself knows."""

from collections import Counter

from tests.demo.conftest import Built


def test_calls_of_services_are_the_requests_they_answered_but_for_spans_that_never_came(built: Built) -> None:
    callees = ("user-service", "order-service", "payment-service")
    answered: Counter[str] = Counter()
    for row in built.truth["latency_daily"]:
        answered[row["service_name"]] += row["request_count"]
    calls = built.by_key(
        "select callee_name, sum(weight_micros) // 1000000 from marts.fct_service_edges_hourly"
        " where callee_name in ('user-service', 'order-service', 'payment-service') group by all",
        1,
    )
    missing = {name: answered[name] - calls.get((name,), 0) for name in callees}
    assert min(missing.values()) >= 0
    assert sum(missing.values()) <= built.truth["oddities"].get("lost_parent_span", 0)
    assert missing["payment-service"] == 0


def test_every_order_goes_through_the_queue_to_a_mail(built: Built) -> None:
    sql = """
        select caller_name, callee_name, sum(observed_call_count) from marts.fct_service_edges_hourly
        where 'queue orders' in (caller_name, callee_name) group by all
    """
    orders = sum(row["order_count"] for row in built.truth["orders"])
    edges = [("order-service", "queue orders"), ("queue orders", "email-service")]
    assert built.by_key(sql, 2) == ({edge: orders for edge in edges} if orders else {})


def test_golden_signals_add_up_to_the_requests_of_each_service(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, event_date, sum(observed_request_count)
        from marts.fct_golden_signals_hourly group by all
    """
    truth: Counter[tuple[str, str, str]] = Counter()
    for row in built.truth["latency_daily"]:
        truth[row["environment"], row["service_name"], row["date"]] += row["kept_request_count"]
    assert built.by_key(sql, 3) == {key: n for key, n in truth.items() if n}


def test_a_trace_is_there_once_and_holds_all_its_spans(built: Built) -> None:
    assert built.rows("""
        select count(*) = count(distinct trace_id) from marts.fct_traces
        union all
        select sum(span_count) = (
            select count(*) from marts_staging.stg_otel__spans
            where trace_id not in (select trace_id from marts_staging.stg_otel__spans where is_excluded)
        ) from marts.fct_traces
    """) == [(True,), (True,)]


def test_time_on_the_critical_path_never_exceeds_the_root(built: Built) -> None:
    longer = """
        select count(*)
        from (select trace_id, sum(self_us) as path_us from marts_intermediate.int_critical_path group by all) as path
        inner join (
            select trace_id, sum(duration_ns) // 1000 as root_us from marts_staging.stg_otel__spans
            where parent_span_id is null group by all
        ) as roots using (trace_id)
        where path_us > root_us + 1
    """
    assert built.rows(longer) == [(0,)]


def test_services_are_those_that_sent_something(built: Built) -> None:
    sql = "select deployment_environment, service_name, span_count from marts.dim_services where span_count > 0"
    truth: Counter[tuple[str, str]] = Counter()
    for row in built.truth["spans"]:
        truth[row["environment"], row["service_name"]] += row["span_count"]
    assert built.by_key(sql, 2) == truth


def test_saturation_is_reported_for_every_pod_and_host(built: Built) -> None:
    sql = "select count(distinct resource), bool_and(max_utilization between 0 and 1) from marts.fct_saturation_hourly"
    assert built.rows(sql) == [(3, True)]
