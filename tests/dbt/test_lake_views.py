"""Views over files that older and newer releases wrote: every row, and NULL where a file lacks a column; what is
remembered of files goes with them."""

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import tables
from tests.dbt.conftest import own_project

ADDED = ["links", "trace_state"]  # what the older release does not write


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Three days of spans: written by the older release, by both, by the newer."""
    for number, (day, added) in enumerate([("16", []), ("17", []), ("17", ADDED), ("18", ADDED)]):
        put(tmp_path / "lake" / "traces" / f"event_date=2026-11-{day}" / f"{number}.parquet", "traces", added)
    put(tmp_path / "lake" / "ingest_ledger" / "0.parquet", "ingest_ledger", [])
    return tmp_path / "lake"


def put(path: Path, table: str, added: list[str]) -> None:
    """One row without values but `added`, in a file that lacks the other columns that were added."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"trace_state": "a=b", "links": [{"trace_id": "ab"}], "name": path.stem, "unit_id": path.stem}
    schema = tables.arrow_schema(table)
    kept = [field for field in schema if field.name not in set(ADDED) - set(added)]
    row = {field.name: values.get(field.name, [] if pa.types.is_list(field.type) else None) for field in kept}
    pq.write_table(pa.Table.from_pylist([row], pa.schema([f.with_nullable(True) for f in kept])), path)


def built(otelmart: str, lake: Path) -> duckdb.DuckDBPyConnection:
    warehouse = lake.parent / "warehouse.duckdb"
    places = ["--lake", lake, "--warehouse", warehouse]
    command = [otelmart, "build", *places, "--select", "stg_otel__ledger", "--no-tests"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return duckdb.connect(str(warehouse), read_only=True)


def spans(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    query = "select day(event_date), name, trace_state, [link.trace_id for link in links] from observability.traces"
    return connection.execute(f"{query} order by name").fetchall()


def units(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute("select unit_id from observability.ingest_ledger order by unit_id").fetchall()


def test_each_file_is_read_with_the_columns_that_it_has_now(otelmart: str, lake: Path) -> None:
    with built(otelmart, lake) as connection:
        found, found_units = spans(connection), units(connection)
    put(lake / "traces" / "event_date=2026-11-16" / "0.parquet", "traces", ADDED)
    (lake / "traces" / "event_date=2026-11-17" / "1.parquet").unlink()
    put(lake / "traces" / "event_date=2026-11-19" / "4.parquet", "traces", ADDED)
    (lake / "ingest_ledger" / "0.parquet").rename(lake / "ingest_ledger" / "2.parquet")
    put(lake / "ingest_ledger" / "1.parquet", "ingest_ledger", [])
    with built(otelmart, lake) as connection:
        later, later_units = spans(connection), units(connection)
        counted = connection.execute("select row_count from marts_state.stored_bytes where table_name = 'traces'")
        row_counts = counted.fetchall()

    assert found == [
        (16, "0", None, None), (17, "1", None, None), (17, "2", "a=b", ["ab"]), (18, "3", "a=b", ["ab"])
    ]  # fmt: skip
    assert later == [(day, name, "a=b", ["ab"]) for day, name in ((16, "0"), (17, "2"), (18, "3"), (19, "4"))]
    assert row_counts == [(4,)]
    assert (found_units, later_units) == ([("0",)], [("0",), ("1",)])


def test_a_date_is_read_without_opening_the_files_of_others(otelmart: str, lake: Path) -> None:
    built(otelmart, lake).close()
    (lake / "traces" / "event_date=2026-11-18" / "9.parquet").write_bytes(b"no Parquet")
    with duckdb.connect(str(lake.parent / "warehouse.duckdb"), read_only=True) as connection:
        asked = "select name from observability.traces where event_date = date '2026-11-16'"
        assert connection.execute(asked).fetchall() == [("0",)]
        with pytest.raises(duckdb.Error, match=r"9\.parquet"):
            spans(connection)


def test_views_that_plain_dbt_made_can_be_asked_from_another_folder(repo: Path, otelmart: str, lake: Path) -> None:
    project = own_project(repo, lake.parent / "dbt")
    shutil.copytree(lake, lake.parent / ".otelmart" / "lake")  # where plain dbt looks for it
    dbt = Path(otelmart).with_name("dbt")
    command = [dbt, "build", "--select", "stg_otel__ledger", "--exclude-resource-type", "test"]
    nobody_says = {name: value for name, value in os.environ.items() if not name.startswith("OTELMART_")}
    done = subprocess.run(command, cwd=project, env=nobody_says, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(lake.parent / ".otelmart" / "warehouse.duckdb"), read_only=True) as connection:
        assert len(spans(connection)) == 4
