"""One definition: a metric asked through the semantic layer is the number that the mart gives to plain SQL, and that a
panel shows."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from metricflow.protocols.sql_client import SqlEngine

from tests.demo.conftest import Built
from tests.sql import panels
from tests.sql.metric_queries import Metrics

LAST_DAY = "event_date = (select max(event_date) from marts.fct_slo_budget_daily)"
FUNNEL = ("funnel_step__funnel", "funnel_step__step_name")
LATENCY = ("metric_time__day", "request_group__service_name", "request_group__operation", "request_group__http_method")
LATENCY_KEYS = "event_date, service_name, operation, http_method"
# metric: (what it is grouped by, the same from the mart: the groups in MetricFlow's order, then the number)
QUESTIONS = {
    "requests": (
        ("metric_time__day",),
        "select event_date, sum(request_count) from marts.fct_latency_daily group by all",
    ),
    "errors": (
        ("request_group__service_name",),
        "select service_name, sum(error_count) from marts.fct_latency_daily group by all",
    ),
    "http_5xx": (
        ("request_group__deployment_environment",),
        "select deployment_environment, sum(http_5xx_count) from marts.fct_latency_daily group by all",
    ),
    "error_ratio": (
        ("metric_time__day",),
        "select event_date, sum(error_count) / sum(request_count) from marts.fct_latency_daily group by all",
    ),
    "http_5xx_ratio": (
        ("request_group__service_name",),
        "select service_name, sum(http_5xx_count) / sum(request_count) from marts.fct_latency_daily group by all",
    ),
    **{
        f"latency_p{q}_ms": (
            LATENCY,
            f"select {LATENCY_KEYS}, max(p{q}_duration_ms) from marts.fct_latency_daily group by all",
        )
        for q in (50, 95, 99)
    },
    "login_attempts": (
        ("metric_time__day",),
        "select event_date, sum(attempt_count) from marts.fct_logins_daily group by all",
    ),
    "successful_logins": (
        ("login_day__deployment_environment",),
        "select deployment_environment, sum(success_count) from marts.fct_logins_daily group by all",
    ),
    "login_success_ratio": (
        ("metric_time__day",),
        "select event_date, sum(success_count) / sum(attempt_count) from marts.fct_logins_daily group by all",
    ),
    "slo_good_events": (
        ("sli_slot__slo_id",),
        "select slo_id, sum(good_count) from marts.fct_sli_5m group by all",
    ),
    "slo_valid_events": (
        ("sli_slot__slo_id",),
        "select slo_id, sum(valid_count) from marts.fct_sli_5m group by all",
    ),
    "availability": (
        ("sli_slot__slo_id",),
        "select slo_id, sum(good_count) / nullif(sum(valid_count), 0) from marts.fct_sli_5m group by all",
    ),
    "error_budget": (
        ("budget_day__slo_id",),
        f"select slo_id, sum(error_budget_count) from marts.fct_slo_budget_daily where {LAST_DAY} group by all",
    ),
    "error_budget_remaining": (
        ("budget_day__slo_id",),
        "select slo_id, sum(error_budget_remaining_count) from marts.fct_slo_budget_daily"
        f" where {LAST_DAY} group by all",
    ),
    "error_budget_remaining_ratio": (
        ("budget_day__slo_id",),
        "select slo_id, sum(error_budget_remaining_count) / nullif(sum(error_budget_count), 0)"
        f" from marts.fct_slo_budget_daily where {LAST_DAY} group by all",
    ),
    "sessions": (
        ("metric_time__day",),
        "select event_date, count(*) from marts.fct_sessions group by all",
    ),
    "sessions_without_bots": (
        ("metric_time__day",),
        "select event_date, count(*) from marts.fct_sessions where not is_bot group by all",
    ),
    "bounced_sessions": (
        ("session__landing_page_name",),
        "select landing_page_name, count(*) filter (where is_bounce) from marts.fct_sessions group by all",
    ),
    "session_page_views": (
        ("session__deployment_environment",),
        "select deployment_environment, sum(page_view_count) from marts.fct_sessions group by all",
    ),
    "bounce_ratio": (
        ("metric_time__day",),
        "select event_date, avg(case when is_bounce then 1 else 0 end) from marts.fct_sessions group by all",
    ),
    "funnel_sessions": (
        FUNNEL,
        "select funnel, step_name, sum(session_count) from marts.fct_funnel_daily group by all",
    ),
    "funnel_entries": (
        FUNNEL,
        "select funnel, step_name, sum(entered_session_count) from marts.fct_funnel_daily group by all",
    ),
    "conversion_ratio": (
        FUNNEL,
        "select funnel, step_name, sum(session_count) / sum(entered_session_count)"
        " from marts.fct_funnel_daily group by all",
    ),
    "orders": (
        ("metric_time__day",),
        "select event_date, sum(order_count) from marts.fct_revenue_daily group by all",
    ),
    "valued_orders": (
        ("revenue_day__order_currency",),
        "select order_currency, sum(valued_order_count) from marts.fct_revenue_daily group by all",
    ),
    "revenue": (
        ("revenue_day__order_currency",),
        "select order_currency, sum(revenue) from marts.fct_revenue_daily group by all",
    ),
    "average_order_value": (
        ("revenue_day__order_currency",),
        "select order_currency, sum(revenue) / sum(valued_order_count) from marts.fct_revenue_daily group by all",
    ),
}
# panel: what its metric is grouped by to be that of one environment
PANELS = {
    "services: Requests": ("request_group__deployment_environment",),
    "business: Sessions": ("session__deployment_environment",),
    "business: Orders": ("revenue_day__deployment_environment",),
    "business: Login success": ("login_day__deployment_environment",),
    "business: Revenue a day": (
        "metric_time__day",
        "revenue_day__deployment_environment",
        "revenue_day__order_currency",
    ),
}
EVER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def metrics(built: Built) -> Metrics:
    target = built.warehouse.parent / "dbt" / "target"
    return Metrics((target / "semantic_manifest.json").read_text(), SqlEngine.DUCKDB)


@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_every_metric_is_asked_below(metrics: Metrics) -> None:
    assert metrics.names == sorted(QUESTIONS)


@pytest.mark.parametrize("built", ["default"], indirect=True)
@pytest.mark.parametrize("metric", QUESTIONS)
def test_a_metric_is_the_number_of_its_mart(built: Built, metrics: Metrics, metric: str) -> None:
    group_by, mart_query = QUESTIONS[metric]
    found = _numbers(built.rows(metrics.sql(metric, group_by)))
    assert found == pytest.approx(_numbers(built.rows(mart_query)), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_every_panel_that_names_a_metric_is_asked_below(metrics: Metrics) -> None:
    named = panels.metrics()
    assert sorted(named) == sorted(PANELS)
    assert set(named.values()) <= set(metrics.names)


@pytest.mark.parametrize("built", ["default"], indirect=True)
@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_shows_the_number_of_its_metric(built: Built, metrics: Metrics, panel: str) -> None:
    services = [name for (name,) in built.rows("select distinct service_name from marts.fct_volume_daily")]
    asked = panels.filled(panels.queries()[panel], "marts", "production", services, *EVER)
    (sql,) = sqlglot.transpile(asked, read="bigquery", write="duckdb")
    rows = built.rows(metrics.sql(panels.metrics()[panel], PANELS[panel]))
    found = [tuple(value for value in row if value != "production") for row in rows if "production" in row]
    assert _numbers(built.rows(sql)) == pytest.approx(_numbers(found), rel=1e-12, nan_ok=True)


def _numbers(rows: list[tuple[Any, ...]]) -> dict[str, float]:
    """{group as text: number}; a day is its date in both, and NULL is NaN."""
    assert rows
    keys = (" | ".join(str(k)[:10] if hasattr(k, "year") else str(k) for k in row[:-1]) for row in rows)
    return dict(zip(keys, (float("nan") if row[-1] is None else float(row[-1]) for row in rows), strict=True))
