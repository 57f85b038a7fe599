"""Lake and marts of whole demo runs, held to what the shop itself knows."""

import subprocess
from collections import Counter
from decimal import Decimal
from typing import Any

from tests.demo.conftest import Built


def truth_by_key(rows: list[dict[str, Any]], keys: tuple[str, ...], *measures: str) -> dict[tuple[str, ...], Any]:
    """{keys: measures} of truth rows, in the shape of Built.by_key."""
    found = {}
    for row in rows:
        values = tuple(row[measure] for measure in measures)
        found[tuple(str(row[key]) for key in keys)] = values[0] if len(values) == 1 else values
    return found


def test_every_distinct_row_is_in_the_lake_once_a_delivery(built: Built) -> None:
    for row in built.truth["rows"]:
        counts = built.lake_rows(
            row["table_name"],
            "select count(*), count(distinct (payload_id, row_ordinal)) from t "
            f"where event_date = '{row['event_date']}'",
        )
        assert counts == [(row["delivered_row_count"], row["row_count"])], row


def test_staging_keeps_each_span_once(built: Built) -> None:
    found = built.by_key("select event_date, count(*) from marts_staging.stg_otel__spans group by event_date", 1)
    spans = [row for row in built.truth["rows"] if row["table_name"] == "traces"]
    assert found == truth_by_key(spans, ("event_date",), "distinct_row_count")


def test_spans_by_service_kind_and_status(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, span_kind, status_code, event_date, count(*)
        from marts_staging.stg_otel__spans group by all
    """
    keys = ("environment", "service_name", "kind", "status_code", "event_date")
    assert built.by_key(sql, 5) == truth_by_key(built.truth["spans"], keys, "span_count")


def test_metric_points_by_name_and_type(built: Built) -> None:
    sql = "select metric_name, metric_type, event_date, count(distinct (payload_id, row_ordinal)) from t group by all"
    found = {(name, kind, str(date)): n for name, kind, date, n in built.lake_rows("metrics", sql)}
    keys = ("metric_name", "metric_type", "event_date")
    assert found == truth_by_key(built.truth["metric_points"], keys, "point_count")


def test_dead_letters_by_reason(built: Built) -> None:
    sql = """
        select signal, reason, case when row_ordinal is null then 'message' else 'row' end,
            count(distinct dead_letter_id)
        from t group by all
    """
    found = {tuple(row[:3]): row[3] for row in built.lake_rows("dead_letters", sql)}
    truth = truth_by_key(built.truth["dead_letters"], ("signal", "reason", "scope"), "dead_letter_count")
    assert found == truth


def test_the_ledger_explains_every_row_that_was_sent(built: Built, otelmart: str) -> None:
    done = subprocess.run([otelmart, "ledger", "--lake", str(built.lake)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    outside = {(row["table_name"], row["event_date"]): row["row_count"] for row in built.truth["rows"]}
    lines = [line.split() for line in done.stdout.splitlines()]
    found = {
        (line[0], line[1]): int(line[2].replace(",", "")) for line in lines if line[0] in ("traces", "logs", "metrics")
    }
    assert found == outside


def test_requests_errors_and_percentiles_by_route_and_day(built: Built) -> None:
    sql = """
        select deployment_environment, service_namespace, service_name, operation, http_method, event_date,
            observed_request_count, observed_error_count, p50_duration_ms, p95_duration_ms, p99_duration_ms
        from marts.fct_latency_daily where service_name <> 'frontend-app'
    """
    keys = ("environment", "service_namespace", "service_name", "http_route", "http_method", "date")
    measures = ("kept_request_count", "kept_error_count", "kept_p50_ns", "kept_p95_ns", "kept_p99_ns")
    compare_latency(built.by_key(sql, 6), truth_by_key(built.truth["latency_daily"], keys, *measures))


def test_requests_errors_and_percentiles_by_route_and_hour(built: Built) -> None:
    sql = """
        select deployment_environment, service_namespace, service_name, operation, http_method,
            strftime(hour_time, '%Y-%m-%dT%H:00:00Z'),
            observed_request_count, observed_error_count, p50_duration_ms, p95_duration_ms, p99_duration_ms
        from marts.fct_latency_hourly where service_name <> 'frontend-app'
    """
    keys = ("environment", "service_namespace", "service_name", "http_route", "http_method", "hour")
    measures = ("kept_request_count", "kept_error_count", "kept_p50_ns", "kept_p95_ns", "kept_p99_ns")
    compare_latency(built.by_key(sql, 6), truth_by_key(built.truth["latency_hourly"], keys, *measures))


def compare_latency(found: dict[Any, Any], truth: dict[Any, Any]) -> None:
    """Counts exact; percentiles within 1 % of the exact nearest rank."""
    truth = {key: measures for key, measures in truth.items() if measures[0]}
    assert {key: measures[:2] for key, measures in found.items()} == {key: m[:2] for key, m in truth.items()}
    for key, measures in found.items():
        for quantile_ms, exact_ns in zip(measures[2:], truth[key][2:], strict=True):
            assert (quantile_ms is None) == (exact_ns is None), key
            assert exact_ns is None or abs(quantile_ms * 1e6 / exact_ns - 1) <= 0.01 + 1e-9, key


def test_sampled_requests_are_scaled_to_the_population(built: Built) -> None:
    sampling = built.truth["sampling"]
    sql = f"select sum(request_count) from marts.fct_latency_daily where service_name = '{sampling['service_name']}'"
    ((scaled,),) = built.rows(sql)
    assert scaled == sampling["kept_request_count"] / sampling["ratio"]
    # 4 standard errors of a 25 % sample: sqrt(n · 0.25 · 0.75) / 0.25
    assert abs(scaled - sampling["request_count"]) <= 4 * (3 * sampling["request_count"]) ** 0.5


def test_page_views_by_page_and_day(built: Built) -> None:
    sql = "select deployment_environment, event_date, page_name, count(*) from marts.fct_page_views group by all"
    keys = ("environment", "event_date", "page_name")
    assert built.by_key(sql, 3) == truth_by_key(built.truth["page_views"], keys, "page_view_count")


def test_sessions_bounces_and_sessions_with_an_order(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, count(*), cast(sum(page_view_count) as bigint),
            count(case when is_bounce then 1 end), count(case when has_order then 1 end)
        from marts.fct_sessions group by all
    """
    measures = ("session_count", "page_view_count", "bounced_session_count", "session_with_order_count")
    assert built.by_key(sql, 2) == truth_by_key(built.truth["sessions"], ("environment", "session_date"), *measures)


def test_landing_and_exit_pages(built: Built) -> None:
    for column, key in (("landing_page_name", "landing_pages"), ("exit_page_name", "exit_pages")):
        sql = f"""
            select deployment_environment, event_date, {column}, count(*)
            from marts.fct_sessions where page_view_count > 0 group by all
        """
        truth = {
            (row["environment"], row["session_date"], page): count
            for row in built.truth["sessions"]
            for page, count in row[key].items()
        }
        assert built.by_key(sql, 3) == truth


def test_transitions_between_pages(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, from_page_name, to_page_name, cast(sum(transition_count) as bigint)
        from marts.fct_page_transitions
        where from_page_name <> '(entrance)' and to_page_name <> '(exit)' group by all
    """
    keys = ("environment", "session_date", "from_page", "to_page")
    assert built.by_key(sql, 4) == truth_by_key(built.truth["transitions"], keys, "transition_count")


def test_funnel_by_day(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, step_name, cast(sum(session_count) as bigint)
        from marts.fct_funnel_daily where funnel = 'order' and session_count > 0 group by all
    """
    steps = ("product_detail", "cart", "checkout", "order")
    truth = {
        (row["environment"], row["funnel_date"], step): row[f"{step}_session_count"]
        for row in built.truth["funnel"]
        for step in steps
        if row[f"{step}_session_count"]
    }
    assert built.by_key(sql, 3) == truth


def test_orders_and_revenue_by_currency_and_day(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, order_currency, order_count, revenue
        from marts.fct_revenue_daily where order_count > 0
    """
    keys = ("environment", "order_date", "order_currency")
    truth = truth_by_key(built.truth["orders"], keys, "order_count", "amount_total")
    assert built.by_key(sql, 3) == {key: (count, Decimal(total)) for key, (count, total) in truth.items()}


def test_failed_order_attempts(built: Built) -> None:
    found = built.by_key(
        "select deployment_environment, count(*) from marts.fct_orders where order_status = 'failed' group by all", 1
    )
    attempts: Counter[tuple[str]] = Counter()
    for row in built.truth["release"]["order_attempts"]:
        if row["outcome"] != "success":
            attempts[(row["environment"],)] += row["attempt_count"]
    assert found == attempts
