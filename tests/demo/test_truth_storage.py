"""Rows and bytes by table, mart and service, held to a count of Parquet files and of marts' columns by Arrow."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.bench.bench_cost import logical_bytes
from tests.demo.conftest import Built

MARTS = Path(__file__).resolve().parents[2] / "dbt" / "models" / "marts"


def weight(rows: pa.Table) -> tuple[int, int]:
    """(rows, bytes by BigQuery's data-type sizes)."""
    return rows.num_rows, sum(logical_bytes(chunk) for column in rows.columns for chunk in column.chunks)


def test_bytes_of_a_raw_table_and_service_are_those_in_its_parquet_files(built: Built) -> None:
    truth: dict[tuple[str, ...], tuple[int, int]] = {}
    for table in ("traces", "logs", "metrics", "dead_letters"):
        for part in built.lake.glob(f"{table}/event_date=*/*.parquet"):
            rows = pq.read_table(part, partitioning=None)
            names = rows["service_name"].to_pylist() if "service_name" in rows.column_names else ["(all)"]
            for service in set(names):
                mask = pa.array([name == service for name in names], pa.bool_())
                found = weight(rows.filter(mask) if len(set(names)) > 1 else rows)
                key = (table, part.parent.name.removeprefix("event_date="), service or "(not set)")
                truth[key] = tuple(map(sum, zip(found, truth.get(key, (0, 0)), strict=True)))  # type: ignore[assignment]
    sql = """
        select table_name, event_date, service_name, sum(row_count), sum(logical_bytes)
        from marts.fct_storage_daily where layer = 'raw' group by all
    """
    assert built.by_key(sql, 3) == truth


def test_bytes_of_a_mart_are_those_of_all_its_columns_by_day(built: Built) -> None:
    storage = built.by_key(
        "select table_name, event_date, sum(row_count), sum(logical_bytes)"
        " from marts.fct_storage_daily where layer = 'mart' group by all",
        2,
    )
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        truth = {}
        for mart in {table for table, _ in storage}:
            rows = connection.sql(f"select * from marts.{mart}").to_arrow_table()
            for day in pc.unique(rows["event_date"]).to_pylist():
                truth[mart, str(day)] = weight(rows.filter(pc.equal(rows["event_date"], day)))
    assert storage == truth


def test_every_mart_that_is_kept_by_date_is_weighed() -> None:
    model = (MARTS / "platform" / "fct_storage_daily.sql").read_text()
    kept = {path.stem for path in MARTS.rglob("*.sql") if "materialized" not in path.read_text().split("\nwith ")[0]}
    assert {mart for mart in kept if f"'{mart}'" not in model} == {"fct_storage_daily"}
