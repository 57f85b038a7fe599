"""One registration that browser, server and log record tell of in traces of their own, in a build of literal rows."""

from tests.dbt.conftest import Builder, at, span


def test_a_registration_that_three_traces_tell_of_counts_once(builder: Builder) -> None:
    told = {"name": "user.registration", "kind": "INTERNAL", "user_id": "u1"}
    builder.lake.add(
        "u1",
        "traces",
        [
            span("1 10:00:00", "t1", service_name="app", telemetry_sdk_language="webjs", **told),
            span("1 10:00:01", "t2", service_name="auth-service", **told),
            span("1 11:00:00", "t3", service_name="auth-service", **(told | {"user_id": "u2"})),
        ],
    )
    logged = {"event_name": "user.registration", "user_id": "u1", "service_name": "auth-service"}
    builder.lake.add("u2", "logs", [{"time": at("1 10:00:02"), **logged}])
    builder.build()
    daily = (
        "select service_name, registration_source, registration_count from marts.fct_registrations_daily order by all"
    )
    assert sorted(builder.query(daily)) == [("app", "span", 1), ("auth-service", "span", 1)]
    counts = "select user_id, signal_count from marts.fct_registrations order by all"
    assert builder.query(counts) == [("u1", 3), ("u2", 1)]
    reconciled = "select sum(fact_total) from marts.fct_counter_reconciliation_daily"
    assert builder.query(reconciled) == [(2,)]


def test_a_user_of_two_environments_enters_the_funnel_of_each(builder: Builder) -> None:
    registered = {"name": "user.registration", "service_name": "users", "user_id": "qa"}
    spans = [
        span("1 10:00:00", "t1", **registered),
        span("1 11:00:00", "t2", **registered, deployment_environment="staging"),
    ]
    builder.lake.add("u1", "traces", spans)
    builder.build()
    assert builder.query(
        "select deployment_environment, entry_count, dropped_count from marts.fct_funnel_dropoff_causes_daily "
        "where funnel = 'registration_to_order' order by all"
    ) == [("production", 1, 1), ("staging", 1, 1)]
