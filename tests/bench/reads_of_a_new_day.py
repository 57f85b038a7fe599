"""How much of the past a build of one new day reads: counted in rows, by what leaves each scan of a model's query."""

import json
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.bench.copied_days import copy_days

FIRST_DAY = date(2026, 3, 2)
DAYS = 20
FEW = 8  # a day, what neighbours it, and the week before that fct_latency_week_over_week compares with
# An eighth of the payloads, the same in every copy (the first four digits of an id tell the copy).
KEPT = "hash(substr(payload_id, 5)) % 8 = 0 and event_date between date '{}' and date '{}'"
# Models that read all days, and of what: sums a day or an hour, never rows as they were sent.
WHOLE_HISTORY = {
    "dim_dates": {"int_ledger_daily"},
    "dim_error_groups": {"fct_errors_hourly", "int_error_actors_daily", "int_service_versions_daily"},
    "dim_services": {"int_service_versions_daily"},
    "dim_slos": {"int_slo_daily"},
    "fct_active_users_daily": {"int_span_counts_daily", "int_user_days"},
    "fct_reconciliation_daily": {"int_ledger_daily", "int_stored_rows_daily"},
    "fct_retention_daily": {"int_user_days"},
    "fct_service_presence_daily": {"int_service_versions_daily"},
    "fct_slo_budget_daily": {"int_slo_daily", "int_slo_windows"},
    "fct_storage": {"fct_volume_daily"},  # a view: who asks it reads
    "int_order_dates": {"int_order_dates"},  # an order_id that was told of before
    "int_slo_windows": {"int_slo_daily"},
    "int_users": {"int_user_days"},
    "stg_otel__ledger": {"lake_ledger"},  # a view as well
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, otelmart: str) -> Path:
    """Twenty days that are alike, built, and then one more."""
    place = tmp_path_factory.mktemp("reads")
    demo = ["demo", "--days", "1", "--users", "60", "--start", str(FIRST_DAY), "--to", place / "demo"]
    ingest = ["ingest", "--runner", "plain", "--from", f"files:{place}/demo", "--to", f"lake:{place}/source"]
    build = ["build", "--no-tests", "--lake", place / "lake", "--warehouse", place / "warehouse.duckdb"]
    for command in (demo, ingest):
        subprocess.run([otelmart, *command], check=True, capture_output=True)
    new_day = FIRST_DAY + timedelta(days=DAYS)
    old_days = KEPT.format(FIRST_DAY, new_day - timedelta(days=1))
    copy_days(place / "source", place / "lake", range(DAYS), 1, "days", old_days)
    subprocess.run([otelmart, *build], check=True, capture_output=True)
    copy_days(place / "source", place / "lake", range(DAYS, DAYS + 1), 1, "new", KEPT.format(new_day, new_day))
    subprocess.run([otelmart, *build], check=True, capture_output=True)
    return place


def test_a_new_day_reads_the_rows_of_few_days_however_many_lie_behind_it(place: Path) -> None:
    with duckdb.connect(str(place / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        limits = _rows_of_few_days(connection)
        limits["lake_ledger"] = limits["stg_otel__ledger"]
        queries = {path.stem: path.read_text() for path in _queries(place)}
        scans = {model: list(_scans(_plan(connection, sql))) for model, sql in queries.items()}
    wide: dict[str, set[str]] = {}
    for model, found in scans.items():
        for table, rows, days in found:
            print(f"{model:34} {table:34} {rows:8,} rows {days or '':>6}")
            if rows > limits.get(table, rows) or (days and days > FEW):
                wide.setdefault(model, set()).add(table)
    assert wide == WHOLE_HISTORY
    for model in ("fct_restatements", "int_ledger_daily", "int_published_numbers"):
        assert any(table == "lake_ledger" and rows for table, rows, _ in scans[model]), model
    assert sum(1 for found in scans.values() for _, rows, _ in found if rows) > 150  # few of the reads found no rows


def _queries(place: Path) -> list[Path]:
    """What dbt ran last, a file a model."""
    models = place / "dbt" / "target" / "compiled" / "otelmart" / "models"
    return sorted(path for path in models.rglob("*.sql") if path.parent.suffix != ".yml")


def _rows_of_few_days(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """{table: rows of the FEW days that have most} of every table with dates."""
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'event_date'"
        " and database_name = current_database() and schema_name like 'marts%' and schema_name != 'marts_state'"
    ).fetchall()
    counts = {}
    for (table,) in tables:
        days = connection.execute(f"select count(*) from {table} group by event_date order by 1 desc limit {FEW}")
        counts[table.split(".")[1]] = sum(count for (count,) in days.fetchall())
    return counts


def _plan(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    rows = connection.execute(f"explain (analyze, format json) {sql}").fetchall()
    plan: dict[str, Any] = json.loads(rows[0][1])["operator"][0]
    return plan


def _scans(node: dict[str, Any]) -> Iterator[tuple[str, int, int | None]]:
    """(table, rows that left the scan and its filter, files opened: one a day) of each scan below a node of a plan."""
    for child in node.get("children", []):
        about = child["extra_info"]
        if child["type"] == "TABLE_SCAN":
            left = node if node["type"] == "FILTER" else child
            files = about.get("Scanning Files") or about.get("Total Files Read")
            table = "lake" if files else about.get("Table", "a function").split(".")[-1]
            yield table, left["intermediate_rows"], int(files.split("/")[0]) if files else None
        yield from _scans(child)
