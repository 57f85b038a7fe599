"""Lakes that are empty or old, and commands that make no sense."""

import json
from pathlib import Path

import pytest

from tests.dbt.conftest import Builder, at, own_project, span


def test_tables_without_rows_build_to_empty_marts(builder: Builder) -> None:
    builder.lake.account("u1", "traces", {at("1 00:00:00").date(): 0})
    builder.build()
    assert builder.query("select count(*) from marts.fct_latency_daily") == [(0,)]
    assert builder.query("select count(*) from marts.fct_sessions") == [(0,)]
    assert builder.query(
        "select table_name, stored_row_count, unexplained_count from marts.fct_reconciliation_daily"
    ) == [("traces", 0, 0)]


def test_odd_spans_have_a_defined_place_in_the_marts(builder: Builder) -> None:
    http = {"http_route": "/a", "http_method": "GET", "service_name": "web"}
    backwards = {"duration_ns": -5_000_000, "duration_ms": -5.0, "has_clock_skew": True}
    huge = {"duration_ns": 2**62, "duration_ms": 2**62 / 1e6}
    builder.lake.add(
        "u1",
        "traces",
        [
            span("1 10:00:00", "t1", **http, **backwards),
            span("1 10:00:01", "t2", **http, **huge),
            span("1 10:00:02", "t3", service_name="cron", kind="INTERNAL", name="tidy up", user_id=None),
        ],
    )
    builder.build()
    latency = "select service_name, observed_request_count, observed_latency_count from marts.fct_latency_daily"
    # what ends before it starts is a request without a latency; a service without HTTP answers none
    assert builder.query(latency) == [("web", 2, 1)]
    # 2^62 ns = 4611686018427.388 ms, at most 1 % off
    ((p95_ms,),) = builder.query("select p95_duration_ms from marts.fct_latency_daily")
    assert abs(p95_ms / 4_611_686_018_427.388 - 1) < 0.01
    assert builder.query("select service_name, span_count from marts.dim_services order by all") == [
        ("cron", 1),
        ("web", 2),
    ]
    assert builder.query("select count(*) from marts.fct_active_users_daily") == [(0,)]
    assert builder.query("select trace_id, span_count, has_root from marts.fct_traces order by all") == [
        ("t1", 1, True),
        ("t2", 1, True),
        ("t3", 1, True),
    ]


def test_one_span_alone_is_enough(builder: Builder) -> None:
    builder.lake.add("u1", "traces", [span("1 10:00:00", "t1", service_name="web", http_route="/a", http_method="GET")])
    builder.build()
    assert builder.query("select request_count, p99_duration_ms > 0 from marts.fct_latency_hourly") == [(1.0, True)]


def test_a_service_gone_silent_is_a_warning_and_no_failure(builder: Builder) -> None:
    builder.lake.add("u1", "traces", [span("1 10:00:00", name, service_name=name) for name in ("web", "cron")])
    builder.lake.add("u2", "traces", [span("2 10:00:00", "t2", service_name="web")])
    summary = builder.build()
    (warning,) = summary["warnings"]
    assert (warning["name"], warning["rows"]) == ("services_that_went_silent_or_dropped", 1)
    (example,) = warning["examples"]
    assert (example["service_name"], example["state"], example["event_date"]) == ("cron", "silent", "2026-03-02")
    assert builder.query("select service_name, state from marts.fct_service_presence_daily order by event_date, 1") == [
        ("cron", "new"),
        ("web", "new"),
        ("cron", "silent"),
        ("web", "present"),
    ]


def test_an_hour_unlike_the_same_hour_of_the_weeks_before_is_a_warning(builder: Builder) -> None:
    asked = {"http_route": "/a", "http_method": "GET"}

    def requests(day: int, service_name: str, count: int, hour: int = 10) -> None:
        rows = [
            span(f"{day} {hour}:30:00", f"{service_name}-{day}-{hour}-{n}", service_name=service_name, **asked)
            for n in range(count)
        ]
        builder.lake.add(f"{service_name}-{day}-{hour}", "traces", rows)

    for day in (2, 9, 16):
        requests(day, "steady", 60)
        requests(day, "dropping", 60)
        requests(day, "surging", 60)
        requests(day, "small", 9)
    requests(23, "steady", 100)  # less than double
    requests(23, "dropping", 29)  # less than half of 60
    requests(23, "surging", 121)  # more than double
    requests(23, "new", 200)
    requests(23, "steady", 1, hour=11)  # an hour that is not over

    warnings = builder.build("--var", "as_of=2026-03-23 11:45:00", "--full-refresh")["warnings"]
    (found,) = [w for w in warnings if w["name"] == "hours_unlike_those_of_the_weeks_before"]
    assert found["rows"] == 2
    assert [
        (row["hour_time"], row["service_name"], float(row["request_count"]), float(row["usual_request_count"]))
        for row in found["examples"]
    ] == [
        ("2026-03-23 10:00:00+00:00", "dropping", 29.0, 60.0),
        ("2026-03-23 10:00:00+00:00", "surging", 121.0, 60.0),
    ]


def test_columns_that_an_older_lake_lacks_are_null(builder: Builder) -> None:
    newer = span("1 10:00:00", "t1", service_name="web", http_route="/a", http_method="GET", session_id="s")
    older = span("1 11:00:00", "t2", service_name="web", http_route="/a", http_method="GET")
    builder.lake.add("u1", "traces", [newer])
    builder.lake.add("u2", "traces", [older], without=("session_id", "payment_gateway", "cloud_region"))
    builder.lake.add("u3", "logs", [{"time": at("1 10:00:00"), "service_name": "web"}], without=("severity_number",))
    builder.build("--no-tests")
    assert builder.query("select trace_id, session_id from marts_staging.stg_otel__spans order by trace_id") == [
        ("t1", "s"),
        ("t2", None),
    ]
    assert builder.query("select severity_number from marts_staging.stg_otel__logs") == [(None,)]
    assert builder.query("select observed_request_count from marts.fct_latency_daily") == [(2,)]


def test_a_wrong_variable_is_named_with_what_it_may_be(builder: Builder) -> None:
    builder.lake.account("u1", "traces", {at("1 00:00:00").date(): 0})
    run = builder.run("--var", "session_gap_minutes=soon")
    assert run.returncode == 1
    assert run.stderr == (
        'otelmart: variable session_gap_minutes is "soon"; it must be a whole number of minutes, 0 to 1440: '
        "see vars in dbt/dbt_project.yml\n"
    )


def test_a_model_that_cannot_be_read_is_named_with_its_file(builder: Builder, tmp_path: Path) -> None:
    builder.lake.account("u1", "traces", {at("1 00:00:00").date(): 0})
    project = own_project(builder.repo, tmp_path / "own")
    model = project / "models" / "marts" / "own.sql"
    model.write_text("select {{ nope( }}")
    run = builder.run("--project", str(project))
    assert run.returncode == 1
    assert run.stderr == "otelmart: models/marts/own.sql: unexpected '}', expected ')' line 1 select {{ nope( }}\n"

    model.write_text("{{ config(contract={'enforced': false}) }} select nope from {{ ref('services') }}")
    run = builder.run("--project", str(project), "--select", "services own", "--no-tests")
    (failure,) = json.loads(run.stdout)["failures"]
    assert failure["name"] == "own"
    assert failure["message"].startswith('models/marts/own.sql: Binder Error: Referenced column "nope" not found')


def test_columns_unlike_the_table_or_the_contract_are_named_and_nothing_is_replaced(
    builder: Builder, tmp_path: Path
) -> None:
    builder.lake.account("u1", "traces", {at("1 00:00:00").date(): 0})
    project = own_project(builder.repo, tmp_path / "own")
    model, contract = project / "models" / "marts" / "own.sql", project / "models" / "marts" / "own.yml"

    def build(sql: str, kind: str, *arguments: str) -> list[str]:
        model.write_text(f"select date '2026-03-01' as event_date, {sql}")
        columns = f"[{{name: event_date, data_type: date}}, {{name: n, data_type: {kind}}}]"
        contract.write_text(f"models: [{{name: own, columns: {columns}}}]")
        run = builder.run("--project", str(project), "--select", "own", "--no-tests", *arguments)
        messages = [failure["message"] for failure in json.loads(run.stdout)["failures"]]
        assert run.returncode == bool(messages)
        return messages

    cure = "Make them agree; a table gets other columns by otelmart build --full-refresh"
    assert build("cast(1 as int64) as n", "int64") == []
    assert build("cast(2 as int64) as n", "int64") == []
    assert build("'3' as n, 4 as m", "int64") == [
        "m: SQL INTEGER, table lacks it, contract lacks it n: SQL VARCHAR, table BIGINT, contract BIGINT " + cure
    ]
    assert build("'5' as n", "string") == ["n: SQL VARCHAR, table BIGINT, contract VARCHAR " + cure]
    assert builder.query("select n from marts.own") == [(2,)]
    assert build("'6' as n", "string", "--full-refresh") == []
    assert builder.query("select n from marts.own") == [("6",)]


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("session_gap_minutes", 1441, "a whole number of minutes, 0 to 1440"),
        ("lookback_days", 100_000_000, "a whole number of days, 0 to 3650"),
        ("as_of", '"2026-02-30"', "now, or a UTC time such as 2026-03-04 00:00:00"),
        ("as_of", '"2026-12-31 24:00:00"', "now, or a UTC time such as 2026-03-04 00:00:00"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(builder: Builder, variable: str, value: object, allowed: str) -> None:
    builder.lake.account("u1", "traces", {at("1 00:00:00").date(): 0})
    run = builder.run("--var", f"{variable}={str(value).strip(chr(34))}")
    assert run.returncode == 1
    assert (
        run.stderr
        == f"otelmart: variable {variable} is {value}; it must be {allowed}: see vars in dbt/dbt_project.yml\n"
    )


def test_an_unknown_variable_is_answered_with_the_likely_one(builder: Builder) -> None:
    builder.lake.account("u1", "traces", {at("1 00:00:00").date(): 0})
    run = builder.run("--var", "sesion_gap_minutes=30")
    assert run.returncode == 2
    assert run.stderr == (
        "otelmart: --var sesion_gap_minutes=30: no variable 'sesion_gap_minutes'; did you mean session_gap_minutes?\n"
    )


def test_too_little_memory_is_answered_with_the_option_that_gives_more(builder: Builder) -> None:
    builder.lake.add("u1", "traces", [span("1 10:00:00", f"t{i}") for i in range(1000)])
    run = builder.run("--memory", "4MB")
    assert run.returncode == 1
    assert "DuckDB has too little memory for it: build with more of it, for example --memory 6GiB" in (
        run.stdout + run.stderr
    )
    assert "Traceback" not in run.stderr


def test_a_missing_lake_is_answered_with_the_command_that_makes_one(builder: Builder) -> None:
    run = builder.run()
    assert run.returncode == 2
    assert run.stderr == (
        f"otelmart: there is no lake in {builder.lake.path}: run otelmart ingest --from files:DIR "
        f"--to lake:{builder.lake.path}, or give --lake\n"
    )


def test_no_init_file_shadows_the_dbt_package(repo: Path) -> None:
    assert list((repo / "dbt").rglob("__init__.py")) == []
