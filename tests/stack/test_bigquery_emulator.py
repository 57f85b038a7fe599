"""dbt builds every model twice against a BigQuery emulator, through BigQuery's own client and adapter, with spans and
ledger rows that come between; every mart then holds what DuckDB builds from all rows at once. The emulator takes SQL
that BigQuery refuses, so what dbt's hooks sent is put to GoogleSQL's analyzer."""

import datetime as dt
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines import tables
from tests.sql import small_lake
from tests.sql.googlesql import META_TABLE, Catalog, SqlError
from tests.stack.bigquery_emulator import NEEDS_EMULATOR, REPO, Emulator, emulator

pytestmark = [pytest.mark.stack, NEEDS_EMULATOR]

BIN = Path(sys.executable).parent
VARS = '{as_of: "2026-11-18 12:00:00"}'
# What the first load lacks: an hour of the evening, and every second unit of traces in the ledger.
LATE = {"traces": "hour(start_time) = 19", "ingest_ledger": "table_name = 'traces' and payload_id < '8'"}


# What depends neither on how many builds there were, nor on how a warehouse counts its own tables: of one with replaced
# dates the emulator tells DuckDB's estimate, in which the rows that were replaced still count.
COMPARED = {
    "marts.fct_number_restatements": [
        *("event_date", "mart_name", "number_name", "deployment_environment", "service_namespace", "part"),
        *("current_value", "is_final"),
    ],
    "marts.fct_storage": [
        *("layer", "table_name", "deployment_environment", "service_namespace", "service_name", "row_ratio"),
    ],
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lake")
    small_lake.make(path, tmp_path_factory.mktemp("scratch"), str(BIN / "otelmart"))
    return path


def test_two_builds_with_rows_between_equal_one_build_of_all_in_duckdb(lake: Path, tmp_path: Path) -> None:
    with emulator(tmp_path / "data") as bigquery:
        bigquery.create_tables()
        _load(bigquery, lake, late=False)
        _dbt(tmp_path / "first", "tests/stack/bigquery", "unit_test test", OTELMART_TEST_EMULATOR=bigquery.url)
        early = bigquery.rows("marts.fct_latency_hourly", ["hour_time"])
        _load(bigquery, lake, late=True)
        _dbt(tmp_path / "second", "tests/stack/bigquery", OTELMART_TEST_EMULATOR=bigquery.url)
        warehouse = tmp_path / "warehouse.duckdb"
        duck = {"OTELMART_LAKE": str(lake), "OTELMART_WAREHOUSE": str(warehouse)}
        _dbt(tmp_path / "local", "dbt", "unit_test test", **duck)
        local = _marts(warehouse)
        different = [name for name, (columns, rows) in local.items() if _sorted(bigquery.rows(name, columns)) != rows]
    assert 0 < len(early) < len(local["marts.fct_latency_hourly"][1])
    assert len(local) > 50
    assert sum(bool(rows) for _, rows in local.values()) > 50
    assert different == []
    sent = [statement for build in ("first", "second") for statement in _hook_statements(tmp_path / build / "dbt.log")]
    assert len(sent) > 15
    assert _rejected(sent) == []


def _hook_statements(log: Path) -> list[str]:
    """What the hooks of a run sent, in order: dbt logs each statement below a line that says so."""
    lines = re.split(r"^[\d:.]+ \[\w+ *\] \[[^]]+\]: ", log.read_text(), flags=re.MULTILINE)
    return [line.removeprefix("On master: ").strip() for line in lines if line.startswith("On master: \n")]


def _rejected(statements: list[str]) -> list[str]:
    """Those that BigQuery would refuse, and why."""
    catalog, rejected = Catalog(), []
    for name in tables.TABLES:
        catalog.create(tables.ddl(name), f"otelmart.observability.{name}")
    for dataset in ("observability", "marts_staging", "marts_intermediate", "marts"):
        catalog.create(META_TABLE, f"otelmart.{dataset}.__TABLES__")
    for statement in statements:
        try:
            (catalog.create if re.match(r"create [a-z ]*\btable\b", statement) else catalog.resolve)(statement)
        except SqlError as error:
            rejected.append(f"{error}: {statement}")
    return rejected


def _load(bigquery: Emulator, lake: Path, *, late: bool) -> None:
    """Loads the late rows, or all others."""
    for name in tables.TABLES:
        if any((lake / name).rglob("*.parquet")):
            condition = LATE.get(name, "false")
            bigquery.load(name, _rows(lake / name, condition if late else f"not ({condition})"))


def _rows(path: Path, condition: str) -> pa.Table:
    with duckdb.connect() as connection:
        connection.sql("set TimeZone = 'UTC'")
        files = f"read_parquet('{path}/**/*.parquet', hive_partitioning = false)"
        return connection.sql(f"select * from {files} where {condition}").to_arrow_table()


def _dbt(target: Path, profiles: str, without: str = "unit_test", **env: str) -> None:
    """`dbt build` of everything but the unit tests, which need no warehouse's rows, or without any test."""
    left_out = ["--exclude-resource-type", *without.split()]
    command = [str(BIN / "dbt"), "--no-use-colors", "build", *left_out, "--vars", VARS]
    paths = ["--profiles-dir", str(REPO / profiles), "--target-path", str(target), "--log-path", str(target)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTELMART_")}
    ran = subprocess.run([*command, *paths], cwd=REPO / "dbt", env={**inherited, **env}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-5000:]


def _marts(warehouse: Path) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """Columns to compare and sorted rows of every mart, by its name in both warehouses."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.sql("set TimeZone = 'UTC'")
        names = connection.sql(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        chosen = {name: ", ".join(COMPARED.get(name, "*")) for name in (f"marts.{n}" for (n,) in names)}
        found = {name: connection.sql(f"select {columns} from {name}") for name, columns in chosen.items()}
        return {name: (rows.columns, _sorted(rows.fetchall())) for name, rows in found.items()}


def _sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted((_plain(row) for row in rows), key=repr)


def _plain(value: Any) -> Any:
    """A value that compares equal whichever client brought it: nine digits of a float, seconds of a time."""
    if isinstance(value, float | Decimal):
        return f"{float(value):.9g}"
    if isinstance(value, dt.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return tuple((key, _plain(item)) for key, item in value.items())
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value
