"""Bytes by table, mart and service, held to sizes of files: the lake's, the warehouse, and a copy of one table."""

from pathlib import Path

import duckdb
import pytest

from tests.demo.conftest import Built

BLOCK_BYTES = 262_144  # of DuckDB's file


def test_a_raw_table_has_the_bytes_of_its_files_shared_out_by_rows(built: Built) -> None:
    found = built.by_key(
        "select table_name, sum(physical_bytes) from marts.fct_storage where layer = 'raw' group by all", 1
    )
    sizes = {
        (folder.name,): sum(file.stat().st_size for file in folder.rglob("*.parquet"))
        for folder in built.lake.iterdir()
        if any(folder.rglob("*.parquet"))
    }
    assert {("traces",), ("logs",), ("metrics",), ("ingest_ledger",)} < set(sizes)
    assert found == pytest.approx(sizes)

    by_service = "select coalesce(service_name, '(not set)'), count(*) from t group by all"
    spans = dict(built.lake_rows("traces", by_service))
    of_services = "select service_name, sum(physical_bytes) from marts.fct_storage where table_name = 'traces'"
    share = sizes[("traces",)] / sum(spans.values())
    assert dict(built.rows(f"{of_services} group by all")) == pytest.approx(
        {name: count * share for name, count in spans.items()}
    )


def test_a_table_of_the_warehouse_has_the_bytes_that_it_takes_in_the_file(built: Built, tmp_path: Path) -> None:
    found = built.by_key("select layer, table_name, physical_bytes from marts.fct_storage where layer != 'raw'", 2)
    [(used_count,)] = built.rows("select used_blocks from pragma_database_size()")
    small = "select count(*) from duckdb_tables() where schema_name in ('marts_seeds', 'marts_state')"
    [(small_count,)] = built.rows(small)  # tables of a block each
    assert sum(found.values()) == pytest.approx((used_count - small_count) * BLOCK_BYTES, abs=3 * BLOCK_BYTES)
    alone = tmp_path / "alone.duckdb"
    with duckdb.connect(str(alone)) as connection:
        connection.sql(f"attach '{built.warehouse}' as built (read_only)")
        connection.sql("create table t as select * from built.marts_staging.stg_otel__spans")
    two_blocks = 2 * BLOCK_BYTES  # its metadata, and the end of its last block
    assert found["staging", "stg_otel__spans"] == pytest.approx(alone.stat().st_size, rel=0.06, abs=two_blocks)


def test_every_table_of_the_marts_is_there_once_and_no_view(built: Built) -> None:
    found = built.rows("select layer, table_name, row_count, row_ratio from marts.fct_storage where layer = 'mart'")
    tables = built.rows(
        "select table_name from information_schema.tables where table_schema = 'marts' and table_type = 'BASE TABLE'"
    )
    assert sorted(name for _, name, _, _ in found) == sorted(name for (name,) in tables)
    counts = {name: count for _, name, count, _ in found}
    for mart in ("fct_orders", "fct_latency_hourly", "dim_dates"):
        assert built.rows(f"select count(*) from marts.{mart}") == [(counts[mart],)]
