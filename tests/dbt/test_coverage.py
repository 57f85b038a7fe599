"""Counts of people, visits, funnels and money are observed, never scaled; beside each stands how much was seen."""

from tests.dbt.conftest import Builder, order, page_view, span

COUNTING = {
    "fct_active_users_daily",
    "fct_conversion_daily",
    "fct_funnel_daily",
    "fct_funnel_dropoff_causes_daily",
    "fct_logins_daily",
    "fct_orders",
    "fct_paths_daily",
    "fct_payments_daily",
    "fct_retention_daily",
    "fct_revenue_daily",
    "fct_sessions",
}


def test_each_mart_that_counts_what_was_seen_says_how_much_that_is(builder: Builder) -> None:
    seen = [
        page_view("1 10:00:00", "t1", "product_detail", "s1", "u1"),
        page_view("1 10:01:00", "t2", "cart", "s1", "u1"),
        span("1 10:02:00", "t3", name="user.login", service_name="auth", user_id="u1", login_status="success"),
        order("1 10:03:00", "t4", "o1", "20.50", user_id="u1"),
        span("1 10:03:00", "t4", "p", name="processPayment", service_name="pay", payment_status="success"),
        span("1 10:04:00", "t5", name="GET /a", service_name="app", adjusted_count=5.0, sampling_source="tracestate"),
    ]
    builder.lake.add("u1", "traces", seen)
    builder.build()
    marts = [
        name
        for (name,) in builder.query(
            "select table_name from information_schema.columns where table_schema = 'marts' "
            "and column_name = 'coverage_ratio' "
            "and table_name not in ('fct_sampling_coverage_daily', 'fct_slo_budget_daily')"
        )
    ]
    assert set(marts) == COUNTING
    told = {mart: builder.query(f"select distinct coverage_ratio from marts.{mart}") for mart in marts}
    assert told == {mart: [(6 / 10,)] for mart in marts}
