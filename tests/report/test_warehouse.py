"""Questions to the marts: the answers, the scope, and what a person did wrong."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.cli import answers
from pipelines.errors import RunError, UsageError
from pipelines.report.facts import Facts
from pipelines.report.warehouse import check_free, read_facts

Change = Callable[..., Path]
TYPES = {
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "numeric": "DECIMAL(38,9)",
    "bool": "BOOLEAN",
}


def test_the_literal_warehouse_has_the_columns_of_the_marts_contracts(warehouse: Change, repo: Path) -> None:
    contracts = {
        f"{model['name']}.{column['name']}": TYPES.get(column["data_type"])
        for file in (repo / "dbt" / "models" / "marts").glob("*/*.yml")
        for model in yaml.safe_load(file.read_text()).get("models", [])
        for column in model["columns"]
    }
    with duckdb.connect(str(warehouse()), read_only=True) as connection:
        found = connection.execute(
            "select table_name || '.' || column_name, data_type"
            " from information_schema.columns where table_schema = 'marts'"
        ).fetchall()
    assert dict(found) == {name: contracts.get(name) for name, _ in found}


def test_percentiles_are_read_from_merged_sketches(facts: Facts) -> None:
    # POST /api/orders: 330 requests of 10 ms, 10 of 200 ms, 60 of 1,500 ms; 95 % of 400 is the 380th: 1,500 ms
    route = facts.at_level("latency", "route")[0]
    assert route["route"] == "POST /api/orders"
    assert (route["request_count"], route["error_count"], route["error_ratio"]) == (400, 63, 63 / 400)
    assert (route["p50_ms"], route["p95_ms"], route["p99_ms"]) == (10, 1500, 1500)


def test_a_cell_of_the_heat_map_is_one_hour_of_one_route(facts: Facts) -> None:
    hour = datetime(2026, 11, 16, 10, tzinfo=UTC)
    cells = [cell for cell in facts.at_level("latency", "cell") if cell["time"] == hour]
    assert [(cell["route"], cell["request_count"], cell["p50_ms"], cell["p95_ms"]) for cell in cells] == [
        ("POST /api/orders", 100, 10, 200),
        ("GET /<img src=x onerror=window.wasRun=1>", 40, 20, 20),
    ]


def test_text_that_steers_a_terminal_is_defused(facts: Facts) -> None:
    assert [row["route"] for row in facts.at_level("latency", "route")][2] == "</script>[red]\ufffd[31m"


def test_a_route_without_a_duration_has_no_percentile(facts: Facts) -> None:
    assert facts.at_level("latency", "route")[2]["p95_ms"] is None


def test_the_funnel_of_all_days_is_made_of_sums_not_of_ratios(facts: Facts) -> None:
    # (150 + 30) / (200 + 100) = 0.6
    last = facts.at_level("funnel", "all")[1]
    assert (last["reached_count"], last["lost_count"], last["step_conversion_ratio"]) == (180, 120, 0.6)


def test_money_stays_apart_by_currency(facts: Facts) -> None:
    totals = [(row["currency"], row["order_count"], row["revenue"]) for row in facts.at_level("revenue", "all")]
    assert totals == [("EUR", 4, Decimal("120.75")), ("JPY", 2, Decimal(3000))]


def test_sessions_are_those_of_the_environment(facts: Facts) -> None:
    # durations 0, 20, 60, 100 s: the median is 40 s
    row = facts.at_level("sessions", "all")[0]
    assert (row["session_count"], row["page_view_count"], row["bounce_ratio"]) == (4, 6, 0.25)
    assert row["median_duration_seconds"] == 40


def test_paths_end_where_sessions_end(facts: Facts) -> None:
    found = [(r["step_number"], r["from_page"], r["to_page"], r["session_count"]) for r in facts.rows("paths")]
    assert found == [
        (1, "home", "product_detail", 3),
        (1, "home", None, 1),
        (2, "product_detail", None, 2),
        (2, "product_detail", "cart", 1),
        (3, "cart", None, 1),
    ]


def test_pages_beyond_the_busiest_seven_are_drawn_together(warehouse: Change) -> None:
    values = ", ".join(f"('2026-11-16', 'production', 1, 'page {n}', '(exit)', {100 - n})" for n in range(9))
    changed = warehouse(
        "delete from marts.fct_page_transitions", f"insert into marts.fct_page_transitions values {values}"
    )
    found = [(row["from_page"], row["session_count"]) for row in read_facts(changed).rows("paths")]
    # the eighth and ninth page: 93 + 92
    assert found[0] == ("other pages", 185)
    assert len(found) == 8


def test_two_outside_counters_of_one_table_and_date_are_not_added_up(facts: Facts) -> None:
    row = facts.at_level("ledger", "table")[0]
    assert (row["table_name"], row["outside_row_count"], row["stored_row_count"]) == ("traces", 1500, 1600)
    assert row["counted_by"] == "collector, publisher"


def test_what_is_missing_and_what_is_too_much_do_not_cancel(warehouse: Change) -> None:
    changed = warehouse(
        "update marts.fct_reconciliation_daily set unexplained_count = 7 where event_date = '2026-11-16'",
        "update marts.fct_reconciliation_daily set unexplained_count = -3 where table_name = 'logs'",
    )
    assert read_facts(changed).unexplained_count() == 10
    assert not read_facts(changed).is_reconciled()


def test_without_a_count_from_outside_nothing_is_called_explained(warehouse: Change) -> None:
    facts = read_facts(warehouse("update marts.fct_reconciliation_daily set outside_row_count = null"))
    assert facts.unexplained_count() is None
    assert not facts.is_reconciled()


def test_production_is_shown_unless_another_environment_is_named(warehouse: Change) -> None:
    path = warehouse()
    scope = read_facts(path).scope
    assert (scope.environment, scope.first_date, scope.last_date, scope.grain) == (
        "production",
        date(2026, 11, 16),
        date(2026, 11, 17),
        "hour",
    )
    assert [row["route"] for row in read_facts(path, "staging").at_level("latency", "route")] == [
        "GET /only/in/staging"
    ]


def test_without_production_the_busiest_environment_is_shown(warehouse: Change) -> None:
    tables = ("fct_latency_hourly", "fct_latency_sketch_hourly", "fct_sessions", "fct_funnel_daily", "fct_orders")
    rename = [
        f"update marts.{t} set deployment_environment = '(not set)' where deployment_environment = 'production'"
        for t in tables
    ]
    health = ("fct_errors", "fct_errors_hourly", "fct_service_edges_hourly", "fct_logins_daily")
    slos = ("fct_slo_budget_daily", "fct_slo_burn_alerts", "fct_login_failures_daily", "fct_login_risks_daily", *health)
    causes = ("fct_funnel_dropoff_causes_daily", "fct_log_volume_hourly")
    metrics = ("fct_metric_rates_hourly", "fct_metric_gauges_hourly", "fct_metric_histograms_hourly")
    platform = ("fct_saturation_hourly", "fct_excluded_traffic_daily", *metrics)
    others = ("fct_page_transitions", "fct_revenue_daily", "fct_traces", *platform, *causes, *slos)
    delete = [f"delete from marts.{t} where deployment_environment = 'production'" for t in others]
    assert read_facts(warehouse(*rename, *delete)).scope.environment == "(not set)"


def test_more_dates_than_a_week_are_shown_by_day(warehouse: Change) -> None:
    more = """
        insert into marts.fct_latency_hourly
        select cast(hour_time as date), hour_time, 'production', 'shop', 'web', '/', 'GET', 1, 0, 1, null, null
        from generate_series(timestamptz '2026-11-18 10:00:00+00', '2026-11-25 10:00:00+00', interval 1 day)
            as days (hour_time)
    """
    facts = read_facts(warehouse(more))
    assert facts.scope.grain == "day"
    assert len(facts.times()) == 10


def test_hours_without_a_request_have_their_place_on_time_axes(facts: Facts) -> None:
    times = facts.times()  # requests at 10 and 11 o'clock of 16 and 17 Nov
    assert (len(times), times[0].hour, times[-1].hour) == (26, 10, 11)


def test_a_missing_mart_is_named_and_the_other_questions_are_answered(warehouse: Change) -> None:
    facts = read_facts(warehouse("drop table marts.fct_orders"))
    assert facts.missing["failed_orders"] == ("marts.fct_orders",)
    assert facts.rows("failed_orders") == []
    assert len(facts.at_level("revenue", "all")) == 2


def test_a_missing_warehouse_is_a_mistake_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no warehouse at .*none.duckdb: run otelmart build, or name one with --warehouse"
    ):
        read_facts(tmp_path / "none.duckdb")


def test_a_file_that_is_no_warehouse_is_a_mistake_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "notes on locks.txt").write_text("not a database " * 1000)
    with pytest.raises(UsageError, match=r"notes on locks.txt is not a warehouse .*run otelmart build"):
        read_facts(tmp_path / "notes on locks.txt")
    with pytest.raises(UsageError, match=r"notes on locks.txt is not a warehouse .*name another with --warehouse"):
        check_free(tmp_path / "notes on locks.txt")


def test_a_warehouse_without_marts_is_a_mistake_with_a_cure(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "new.duckdb")).close()
    with pytest.raises(UsageError, match=r"new.duckdb has no marts yet: run otelmart build"):
        read_facts(tmp_path / "new.duckdb")


def test_an_unknown_environment_is_a_mistake_that_lists_the_known(warehouse: Change) -> None:
    with pytest.raises(UsageError, match="no environment 'prod' in the marts: choose one of production, staging"):
        read_facts(warehouse(), "prod")


HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"


@pytest.fixture
def held(warehouse: Change) -> Iterator[tuple[Path, "subprocess.Popen[str]"]]:
    """A warehouse that another process writes until it is sent a line."""
    path = warehouse()
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield path, holder
        holder.kill()


@pytest.mark.parametrize(
    "verb", [["summary"], ["query", "select 1"], ["slo"], ["report", "--to", "held.html"]], ids=lambda verb: verb[0]
)
def test_a_build_that_holds_the_warehouse_is_waited_for(
    held: tuple[Path, "subprocess.Popen[str]"], otelmart: str, tmp_path: Path, verb: list[str]
) -> None:
    path, holder = held
    command = [otelmart, *verb, "--warehouse", str(path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stderr
        assert reader.stderr.readline() == "waiting until the program that holds the warehouse has ended\n"
        assert reader.poll() is None
        holder.communicate("\n")
        said, wrong = reader.communicate(timeout=30)
    assert (reader.returncode, wrong) == (0, "")
    assert said


def test_a_build_that_holds_the_warehouse_for_long_is_named_with_a_cure(
    held: tuple[Path, "subprocess.Popen[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "WAIT_SECONDS", 0.5)
    with pytest.raises(RunError, match="is being written by another program: try again when that has ended"):
        answers.asked("slo", held[0], environment=None)


def test_reading_leaves_the_warehouse_as_it_was(warehouse: Change) -> None:
    path = warehouse()
    before = path.read_bytes()
    read_facts(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["warehouse.duckdb"]
