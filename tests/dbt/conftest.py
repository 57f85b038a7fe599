"""A lake of a few literal rows, and ways to build it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import tables

Row = Mapping[str, Any]
TIME_COLUMN = {"traces": "start_time", "logs": "time", "metrics": "time"}
DEFAULTS: dict[str, dict[str, Any]] = {
    "traces": {
        "kind": "SERVER", "status_code": "UNSET", "is_unfinished": False, "has_clock_skew": False,
        "adjusted_count": 1.0, "sampling_source": "unknown",
        "deployment_environment": "production", "service_namespace": "shop", "name": "op",
        "duration_ns": 2_000_000, "duration_ms": 2.0, "attributes": [], "events": [], "links": [],
    },
    "logs": {
        "deployment_environment": "production", "service_namespace": "shop", "is_time_inferred": False,
        "attributes": [],
    },
    "metrics": {
        "deployment_environment": "production", "service_namespace": "shop", "metric_type": "GAUGE", "value": 1.0,
        "has_no_recorded_value": False, "attributes": [], "exemplars": [], "quantiles": [],
    },
}  # fmt: skip


@dataclass(frozen=True)
class Lake:
    """A lake directory that takes whole units."""

    path: Path

    def add(self, unit_id: str, table: str, rows: list[Row], without: tuple[str, ...] = ()) -> None:
        """Writes rows as the parts of a unit, one a date, and its ledger entries. `without`: columns the parts lack."""
        by_date: dict[date, list[dict[str, Any]]] = {}
        for ordinal, row in enumerate(rows):
            by_date.setdefault(row[TIME_COLUMN[table]].date(), []).append(_filled(table, unit_id, ordinal, row))
        schema = pa.schema([field for field in tables.arrow_schema(table) if field.name not in without])
        for day, dated in by_date.items():
            _write(self.path / table / f"event_date={day}" / f"{unit_id}.parquet", dated, schema)
        self.account(unit_id, table, {day: len(dated) for day, dated in by_date.items()})

    def account(self, unit_id: str, table: str, written: Mapping[date, int], erased: int = 0) -> None:
        """Ledger entries of a unit: rows written by date, rows erased in each."""
        schema = tables.arrow_schema("ingest_ledger")
        counts = {field.name: 0 for field in schema if field.name.endswith("_count") or field.name == "payload_bytes"}
        entry = counts | {
            "payload_id": f"p-{unit_id}", "table_name": table, "unit_id": unit_id, "signal": table, "delivery_count": 1,
            "erased_row_count": erased, "source": "test", "engine": "batch",
            "receive_time": datetime(2026, 3, 9), "schema_version": 1,
        }  # fmt: skip
        rows = [
            entry | {"event_date": day, "written_row_count": n, "decoded_row_count": n} for day, n in written.items()
        ]
        _write(self.path / "ingest_ledger" / f"{unit_id}-{table}.parquet", rows, schema)


@dataclass(frozen=True)
class Builder:
    """Builds a lake into a warehouse; both always lie at the same paths, so that dbt parses the project once."""

    lake: Lake
    warehouse: Path
    repo: Path
    otelmart: str

    def build(self, *arguments: str) -> dict[str, Any]:
        """`otelmart build --json`: its summary. The run must succeed."""
        run = self.run(*arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        summary: dict[str, Any] = json.loads(run.stdout)
        return summary

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command(arguments), capture_output=True, text=True, check=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(self._command(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        places = ["--lake", str(self.lake.path), "--warehouse", str(self.warehouse)]
        return [self.otelmart, "build", *places, "--json", *arguments]

    def dbt(self, *arguments: str) -> subprocess.Popen[str]:
        """Plain dbt in dbt/, as a user would type it."""
        state = self.warehouse.parent / "dbt"
        environment = os.environ | {
            "OTELMART_LAKE": str(self.lake.path), "OTELMART_WAREHOUSE": str(self.warehouse),
            "DBT_TARGET_PATH": str(state / "target"), "DBT_LOG_PATH": str(state / "logs"),
        }  # fmt: skip
        command = [str(Path(self.otelmart).parent / "dbt"), *arguments]
        return subprocess.Popen(command, cwd=self.repo / "dbt", env=environment, stdout=subprocess.PIPE, text=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def fingerprints(self) -> dict[str, tuple[int, int]]:
        """(rows, order-independent hash of them) of every built table."""
        names = self.query(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('marts', 'marts_intermediate', 'marts_staging') order by all"
        )
        return {name: self.query(f"select count(*), bit_xor(hash(t)) from {name} as t")[0] for (name,) in names}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture
def builder(place: Path, repo: Path, otelmart: str) -> Builder:
    """An empty lake and no warehouse."""
    shutil.rmtree(place / "lake", ignore_errors=True)
    (place / "warehouse.duckdb").unlink(missing_ok=True)
    (place / "warehouse.duckdb.wal").unlink(missing_ok=True)
    return Builder(Lake(place / "lake"), place / "warehouse.duckdb", repo, otelmart)


def own_project(repo: Path, to: Path) -> Path:
    """A copy of the dbt project to edit, without what dbt left in its folder."""
    source = repo / "dbt"
    left = {"target", "logs"}  # models/marts/logs is none of it
    return Path(shutil.copytree(source, to, ignore=lambda folder, _: left if Path(folder) == source else set()))


def at(text: str) -> datetime:
    """A UTC time of March 2026: "1 10:00:05" is the 1st at 10:00:05."""
    day, clock = text.split(" ")
    return datetime.fromisoformat(f"2026-03-{int(day):02d} {clock}")


def span(when: str, trace_id: str, span_id: str = "a", **columns: Any) -> Row:
    start = at(when)
    return {
        "start_time": start,
        "end_time": start + timedelta(milliseconds=2),
        "trace_id": trace_id,
        "span_id": span_id,
        **columns,
    }


def page_view(
    when: str, trace_id: str, page: str, session: str | None = None, user: str | None = None, **columns: Any
) -> Row:
    """A browser's page.view span."""
    told = {
        "page_name": page,
        "session_id": session,
        "user_id": user,
        "service_name": "app",
        "telemetry_sdk_language": "webjs",
    }
    return span(when, trace_id, kind="INTERNAL", **({"name": "page.view"} | told | columns))


def order(when: str, trace_id: str, order_id: str, total: str, **columns: Any) -> Row:
    """An order service's span."""
    told = {"order_id": order_id, "order_total": total, "order_currency": "EUR", "service_name": "order-service"}
    http = {"http_method": "POST", "http_route": "/api/orders", "http_status_code": 200, "status_code": "OK"}
    return span(when, trace_id, "o", kind="INTERNAL", **({"name": "POST /api/orders"} | told | http | columns))


def _filled(table: str, unit_id: str, ordinal: int, row: Row) -> dict[str, Any]:
    identity = {
        "payload_id": f"p-{unit_id}",
        "row_ordinal": ordinal,
        "ingest_time": row[TIME_COLUMN[table]],
        "schema_version": 1,
    }
    filled = DEFAULTS[table] | identity | dict(row)
    if table == "traces":
        filled |= {"start_time_unix_nano": _ns(row["start_time"]), "end_time_unix_nano": _ns(row["end_time"])}
    else:
        filled["time_unix_nano"] = _ns(row["time"])
    return filled


def _ns(time: datetime) -> int:
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {field.name: _column([row.get(field.name) for row in rows], field.type) for field in schema}
    pq.write_table(pa.table(columns, schema=schema), path)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    return pa.array(values, pa.string()).cast(kind) if pa.types.is_decimal(kind) else pa.array(values, kind)
