"""What a build replaces, and that it never matters in how many builds the rows came."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.report.warehouse import ask, read_facts
from tests.dbt.conftest import Builder, Row, at, order, own_project, page_view, span

DAY = {n: date(2026, 3, n) for n in range(1, 10)}


def _first_days(builder: Builder) -> None:
    """Two days: a visit that orders, one that crosses midnight, a probe, a staging order, a row sent twice."""
    builder.lake.add(
        "u1",
        "traces",
        [
            page_view("1 10:00:00", "t1", "product_detail", "s1"),
            page_view("1 10:01:00", "t2", "cart", "s1"),
            page_view("1 10:02:00", "t3", "checkout", "s1", "u1"),
            page_view(
                "1 10:03:00",
                "t4",
                "checkout",
                "s1",
                "u1",
                span_id="b",
                name="event.place_order",
                event_name="place_order",
            ),
            order("1 10:03:00", "t4", "o1", "20.50", user_id="u1"),
            page_view("1 23:50:00", "t5", "product_detail", "s2"),
            page_view("2 00:10:00", "t6", "cart", "s2"),
        ],
    )
    builder.lake.add(
        "u2",
        "traces",
        [
            span("2 08:00:00", "t7", service_name="web", http_target="/healthz", http_route="/healthz"),
            span("2 09:00:00", "t8", service_name="web", http_route="/a", http_method="GET", duration_ns=3_000_000),
            span("2 09:00:00", "t8", service_name="web", http_route="/a", http_method="GET", duration_ns=3_000_000),
            order("2 11:00:00", "t9", "o1", "99.00", deployment_environment="staging"),
        ],
    )
    builder.lake.add(
        "u3", "logs", [{"time": at("2 09:00:00"), "trace_id": "t8", "body": "hello", "service_name": "web"}]
    )


def _late_rows(builder: Builder) -> None:
    """For the first day: a page before the visit that crosses midnight, and an order."""
    builder.lake.add(
        "u4",
        "traces",
        [page_view("1 23:40:00", "t10", "home", "s2"), order("1 15:00:00", "t11", "o2", "1.50", user_id="u9")],
    )


def _kill_after(model: str, builder: Builder, *arguments: str) -> None:
    """Ends a build with SIGKILL once that model is there."""
    killed = builder.dbt("build", "--exclude-resource-type", "unit_test", "--threads", "1", *arguments)
    assert killed.stdout is not None
    for line in killed.stdout:
        if f"OK created sql incremental model marts_intermediate.{model} " in line:
            killed.send_signal(signal.SIGKILL)
            break
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL


def _due_dates(builder: Builder) -> tuple[date, ...]:
    """What everybody who asks the warehouse is told of its last build."""
    return ask(builder.warehouse, "select 1").due_dates


def _older_dates(builder: Builder) -> tuple[date, ...]:
    """Dates of which the report says that other models made them."""
    return read_facts(builder.warehouse).older_dates


def test_plain_dbt_build_passes_its_tests_and_literal_rows_give_literal_numbers(builder: Builder) -> None:
    _first_days(builder)
    plain = builder.dbt("build")  # the models' unit tests included
    told, _ = plain.communicate()
    assert plain.returncode == 0, told

    assert builder.query(
        "select event_date, landing_page_name, exit_page_name, page_view_count, order_count, user_id, duration_seconds "
        "from marts.fct_sessions where deployment_environment = 'production' order by session_start_time"
    ) == [
        (DAY[1], "product_detail", "checkout", 3, 1, "u1", 180.0),
        (DAY[1], "product_detail", "cart", 2, 0, None, 1200.0),
    ]
    assert builder.query(
        "select event_date, step_name, session_count from marts.fct_funnel_daily "
        "where deployment_environment = 'production' order by event_date, step_number"
    ) == [(DAY[1], "product_detail", 2), (DAY[1], "cart", 2), (DAY[1], "checkout", 1), (DAY[1], "order", 1)]
    assert builder.query(
        "select event_date, deployment_environment, order_count, revenue "
        "from marts.fct_revenue_daily order by event_date"
    ) == [(DAY[1], "production", 1, Decimal("20.50")), (DAY[2], "staging", 1, Decimal("99.00"))]
    assert builder.query("select excluded_reason, observed_span_count from marts.fct_excluded_traffic_daily") == [
        ("health_check", 1)
    ]
    assert builder.query(
        "select request_count, observed_request_count, round(p99_duration_ms, 2) "
        "from marts.fct_latency_daily where operation = '/a'"
    ) == [(1.0, 1, 3.0)]  # 3 ms is in bucket ceil(ln 3 / ln 1.02) = 56, which stands for 2 * 1.02^56 / 2.02 = 3.0014
    assert builder.query(
        "select event_date, table_name, written_row_count, stored_row_count, duplicate_row_count, unexplained_count "
        "from marts.fct_reconciliation_daily order by event_date, table_name"
    ) == [
        (DAY[1], "traces", 6, 6, 0, 0),
        (DAY[2], "logs", 1, 1, 0, 0),
        (DAY[2], "traces", 5, 5, 1, 0),
    ]


def test_late_rows_and_an_emptied_date_rebuild_their_dates_and_equal_a_full_refresh(builder: Builder) -> None:
    _first_days(builder)
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01", "2026-03-02"]
    before = builder.fingerprints()

    assert builder.build("--no-tests")["rebuilt_dates"] == []
    assert builder.fingerprints() == before

    _late_rows(builder)
    shutil.rmtree(builder.lake.path / "logs" / "event_date=2026-03-02")
    builder.lake.account("erase1", "logs", {DAY[2]: 0}, erased=1)
    assert builder.build()["rebuilt_dates"] == ["2026-03-01", "2026-03-02"]
    late = builder.fingerprints()
    assert builder.query(
        "select strftime(session_start_time, '%d %H:%M'), page_view_count "
        "from marts.fct_sessions where session_id = 's2'"
    ) == [("01 23:40", 3)]
    assert builder.query("select count(*) from marts_staging.stg_otel__logs") == [(0,)]

    assert builder.build("--full-refresh", "--no-tests")["rebuilt_dates"] == ["2026-03-01", "2026-03-02"]
    assert builder.fingerprints() == late


def test_an_order_id_is_one_order_of_the_date_on_which_it_was_first_told_of(builder: Builder) -> None:
    orders = "select event_date, signal_count, order_total from marts.fct_orders order by all"
    revenue = "select event_date, order_count, revenue from marts.fct_revenue_daily order by all"
    builder.lake.add("u5", "traces", [order("5 10:00:00", "t5", "o1", "3.00"), order("5 11:00:00", "t6", "o2", "7.00")])
    builder.lake.add("u9", "traces", [order("9 10:00:00", "t9", "o1", "9.00")])
    builder.build("--no-tests")
    assert builder.query(orders) == [(DAY[5], 1, Decimal("3.00")), (DAY[5], 1, Decimal("7.00"))]

    builder.lake.add("u1", "traces", [order("1 10:00:00", "t1", "o1", "20.50")])  # a late row takes it from the 5th
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01", "2026-03-05"]
    assert builder.query(orders) == [(DAY[1], 1, Decimal("20.50")), (DAY[5], 1, Decimal("7.00"))]
    assert builder.query(revenue) == [(DAY[1], 1, Decimal("20.50")), (DAY[5], 1, Decimal("7.00"))]

    builder.lake.add("u3", "traces", [order("3 10:00:00", "t3", "o1", "4.00")])  # adds nothing, and moves nothing
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-03"]
    builder.lake.add("u2", "traces", [order("2 10:00:00", "t2", "o1", "25.00")])
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-02"]
    # of the first two dates' totals the one told first
    assert builder.query(orders) == [(DAY[1], 2, Decimal("20.50")), (DAY[5], 1, Decimal("7.00"))]
    in_steps = builder.fingerprints()
    builder.build("--full-refresh", "--no-tests")
    assert builder.fingerprints() == in_steps

    for day in (1, 2, 3):  # erased: it is the next date that tells of it
        shutil.rmtree(builder.lake.path / "traces" / f"event_date=2026-03-0{day}")
    builder.lake.account("erase", "traces", {DAY[1]: 0, DAY[2]: 0, DAY[3]: 0}, erased=3)
    assert builder.build("--no-tests")["rebuilt_dates"] == [f"2026-03-0{day}" for day in (1, 2, 3, 5)]
    assert builder.query(orders) == [(DAY[5], 1, Decimal("3.00")), (DAY[5], 1, Decimal("7.00"))]
    in_steps = builder.fingerprints()
    builder.build("--full-refresh", "--no-tests")
    assert builder.fingerprints() == in_steps


def test_a_date_that_lost_an_order_to_a_late_row_is_due_until_a_build_is_complete(builder: Builder) -> None:
    builder.lake.add("u5", "traces", [order("5 10:00:00", "t5", "o1", "3.00")])
    builder.build("--no-tests")
    builder.lake.add("u1", "traces", [order("1 10:00:00", "t1", "o1", "20.50")])
    _kill_after("int_order_dates", builder)
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01", "2026-03-05"]
    assert builder.query("select event_date, order_total from marts.fct_orders") == [(DAY[1], Decimal("20.50"))]


def test_what_goes_on_after_midnight_belongs_to_what_began_before_it(builder: Builder) -> None:
    """An order that is paid on the next date, one of a monitor whose trace is excluded by its root, and one that a
    browser tells of without an environment before its server does."""
    nowhere = {"deployment_environment": None, "service_namespace": None}
    monitor = {"user_agent_synthetic_type": "test", "service_name": "monitor"}
    builder.lake.add(
        "u1",
        "traces",
        [
            order("1 23:59:59", "t1", "o1", "20.50"),
            span("1 23:59:59", "t2", "root", name="check", **monitor),
            order("1 23:59:59", "t3", "o3", "1.00", name="checkout", service_name="web", **nowhere),
        ],
    )
    builder.build("--no-tests")
    builder.lake.add(
        "u2",
        "traces",
        [
            span("2 00:00:01", "t1", "p", name="PaymentService.ProcessPayment", payment_status="Completed"),
            order("2 00:00:01", "t2", "o2", "1.50", parent_span_id="root"),
            order("2 00:00:01", "t3", "o3", "1.00", parent_span_id="o") | {"span_id": "p"},
        ],
    )
    builder.build("--no-tests")
    builder.lake.add("u3", "traces", [span("3 10:00:00", "t1", "q")])  # too late for what began on the 1st
    builder.build("--no-tests")
    assert builder.query("select event_date, span_count from marts.fct_traces where trace_id = 't1' order by all") == [
        (DAY[1], 2),
        (DAY[3], 1),
    ]
    assert builder.query(
        "select event_date, order_id, deployment_environment, payment_status from marts.fct_orders order by order_id"
    ) == [(DAY[1], "o1", "production", "Completed"), (DAY[1], "o3", "production", None)]
    in_steps = builder.fingerprints()
    builder.build("--full-refresh", "--no-tests")
    assert builder.fingerprints() == in_steps


def _point(when: str, series: str, value: float, metric_name: str = "hits", **columns: Any) -> Row:
    """A point of a counter that counts since February."""
    told = {"metric_type": "SUM", "temporality": "CUMULATIVE", "is_monotonic": True, "service_name": "web"}
    since = {"start_time": datetime(2026, 2, 20), "start_time_unix_nano": 1771545600000000000}
    identity = {"series_id": series, "metric_name": metric_name, "service_instance_id": f"i-{metric_name}"}
    return {"time": at(when), "value": value, **told, **since, **identity, **columns}


def _observed(when: str, scale: int, counts: list[int]) -> Row:
    """A delta point of an exponential histogram, from 1 on."""
    counted = {"metric_type": "EXPONENTIAL_HISTOGRAM", "temporality": "DELTA", "is_monotonic": None, "value": None}
    buckets = {"positive_bucket_counts": counts, "negative_bucket_counts": [], "positive_offset": 0}
    total = {"count": sum(counts), "sum": float(sum(counts)), "scale": scale, "zero_count": 0}
    return {**_point(when, "took", 0, "took"), **counted, **buckets, **total}


def test_metrics_after_days_without_points_are_alike_in_steps_and_in_a_full_refresh(builder: Builder) -> None:
    """a is away for a day on which b is there, alone for two; new comes on the last day; took is on a finer scale."""
    builder.lake.add(
        "u1",
        "metrics",
        [
            *(_point(f"{day} 10:00:00", "a", 100) for day in (2, 3)),
            *(_point(f"{day} 10:00:00", "b", day) for day in (2, 3, 4)),
            _point("2 10:00:00", "alone", 100, "lonely"),
            _observed("2 10:00:00", 0, [10, 10]),
        ],
    )
    builder.build("--no-tests")
    builder.lake.add(
        "u2",
        "metrics",
        [
            *(_point("5 10:00:00", series, value) for series, value in (("a", 160), ("b", 5), ("new", 7))),
            _point("5 10:00:00", "alone", 150, "lonely"),
            _observed("5 10:00:00", 4, [5] * 16),
        ],
    )
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-05"]
    assert builder.query(
        "select series_id, kind, cast(increase as integer) from marts_intermediate.int_metric_increases "
        "where event_date = date '2026-03-05' and kind != 'delta' order by series_id"
    ) == [("a", "unknown", None), ("alone", "unknown", None), ("b", "next", 1), ("new", "first", 7)]
    in_steps = builder.fingerprints()
    builder.build("--full-refresh", "--no-tests")
    assert builder.fingerprints() == in_steps


def test_only_the_date_of_a_late_row_is_rebuilt(builder: Builder) -> None:
    _first_days(builder)
    builder.lake.add(
        "u5", "traces", [span("8 12:00:00", "t20", service_name="web", http_route="/a", http_method="GET")]
    )
    builder.build("--no-tests")
    builder.lake.add(
        "u6", "traces", [span("8 13:00:00", "t21", service_name="web", http_route="/a", http_method="GET")]
    )
    # Rows that no ledger entry tells of show which dates were read again.
    builder.lake.add(
        "u7", "traces", [span("1 13:00:00", "t22", service_name="web", http_route="/a", http_method="GET")]
    )
    (builder.lake.path / "ingest_ledger" / "u7-traces.parquet").unlink()
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-08"]
    assert builder.query(
        "select event_date, observed_request_count "
        "from marts.fct_latency_daily where operation = '/a' order by event_date"
    ) == [(DAY[2], 1), (DAY[8], 2)]


def test_a_build_killed_midway_is_done_again(builder: Builder) -> None:
    _first_days(builder)
    builder.build("--no-tests")
    _late_rows(builder)
    _kill_after("int_facts", builder)
    assert _due_dates(builder) == (DAY[1],)
    assert builder.build()["rebuilt_dates"] == ["2026-03-01"]
    assert _due_dates(builder) == ()
    resumed = builder.fingerprints()

    _kill_after("int_facts", builder, "--full-refresh")
    assert _due_dates(builder) == (DAY[1], DAY[2])
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01", "2026-03-02"]
    assert builder.fingerprints() == resumed
    builder.build("--full-refresh", "--no-tests")
    assert builder.fingerprints() == resumed


def test_a_build_beside_another_leaves_its_dates_due(builder: Builder, tmp_path: Path) -> None:
    """Only BigQuery runs two at once; here a hook says that another one has begun."""
    _first_days(builder)
    builder.build("--no-tests")
    _late_rows(builder)
    project = own_project(builder.repo, tmp_path / "own")
    settings, begins = project / "dbt_project.yml", '  - "{{ remember_changed_dates() }}"\n'
    other = "create or replace table marts_state.unfinished_build as select 'another' as invocation_id"
    settings.write_text(settings.read_text().replace(begins, f'{begins}  - "{other}"\n'))
    run = builder.run("--project", str(project), "--no-tests")
    assert (run.returncode, run.stderr) == (
        1,
        "otelmart: another build ran at the same time, and each may have spoilt the other's numbers: "
        "the dates of both stay due; build again, one at a time\n",
    )
    assert _due_dates(builder) == (DAY[1],)
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01"]
    assert _due_dates(builder) == ()


def test_a_build_whose_dbt_is_killed_says_so(builder: Builder) -> None:
    builder.lake.account("u1", "traces", {DAY[1]: 0})
    with builder.start("--no-tests") as build:
        children = Path(f"/proc/{build.pid}/task/{build.pid}/children")
        while not children.read_text():
            time.sleep(0.01)
        os.kill(int(children.read_text()), signal.SIGKILL)
        _, said = build.communicate()
    assert build.returncode == 1
    assert said == (
        "otelmart: dbt was killed by signal 9, as a machine without memory left does: build again, or with less "
        "--memory; the dates stay due\n"
    )


READER = (
    "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True); print('held', flush=True); "
    "sys.stdin.readline()"
)


def test_a_build_waits_for_who_reads_the_warehouse(builder: Builder) -> None:
    _first_days(builder)
    builder.build("--select", "services", "--no-tests")
    command = [sys.executable, "-c", READER, str(builder.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "held\n"
        with builder.start("--select", "services", "--no-tests") as waiting:
            assert waiting.stderr
            assert waiting.stderr.readline() == "waiting until the program that holds the warehouse has ended\n"
            assert waiting.poll() is None
            reader.communicate("\n")
            assert waiting.wait(timeout=60) == 0


def test_a_partial_build_leaves_the_dates_due(builder: Builder) -> None:
    _first_days(builder)
    builder.build("--select", "+fct_latency_daily", "--no-tests")
    assert _due_dates(builder) == (DAY[1], DAY[2])
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01", "2026-03-02"]


def test_dates_built_by_other_models_are_named(builder: Builder, tmp_path: Path) -> None:
    _first_days(builder)
    before = own_project(builder.repo, tmp_path / "own")
    model = before / "models" / "marts" / "latency" / "fct_latency_daily.sql"
    model.write_text(f"{model.read_text()}\n-- of the release before\n")
    builder.build("--project", str(before), "--no-tests")
    assert _older_dates(builder) == ()
    _late_rows(builder)
    warned = {warning["name"]: warning["examples"] for warning in builder.build()["warnings"]}
    assert warned["dates_of_other_models"] == [{"event_date": "2026-03-02"}]
    assert _older_dates(builder) == (DAY[2],)
    builder.build("--full-refresh", "--no-tests")
    assert _older_dates(builder) == ()


def test_a_warehouse_of_a_release_that_kept_no_fingerprints_is_built_on(builder: Builder) -> None:
    _first_days(builder)
    builder.build("--no-tests")
    with duckdb.connect(str(builder.warehouse)) as connection:
        for table in ("built_dates", "last_build"):
            connection.execute(f"alter table marts_state.{table} drop column models")
    assert _older_dates(builder) == ()
    builder.build("--no-tests")
    assert _older_dates(builder) == (DAY[1], DAY[2])
