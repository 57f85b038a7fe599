"""One meaning in two dialects: the BigQuery SQL of every model and dashboard, evaluated by GoogleSQL's reference
implementation, gives the rows that DuckDB gives; floats to 1e-9, sketches to the bucket."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot

from tests.sql import panels, small_lake
from tests.sql.analysis import Analysis
from tests.sql.both_engines import PARTS, DuckTables, ReferenceTables, differences
from tests.sql.conftest import AS_OF
from tests.sql.dbt_project import DBT, Project
from tests.sql.partitions import FOR_PARTITIONS, unfiltered_reads

MODELS = sorted(path.stem for path in (DBT / "models").rglob("*.sql"))
QUERIES = panels.queries()
DAYS = datetime(2026, 11, 15, 12, tzinfo=UTC), datetime(2026, 11, 17, 12, tzinfo=UTC)
MAX_SHOWN = 10
EMPTY = {"int_slo_corrections"}  # models that the small lake gives no row


@pytest.fixture(scope="module")
def duckdb_tables(tmp_path_factory: pytest.TempPathFactory, otelmart: str) -> DuckTables:
    """The models as DuckDB builds them over the small lake."""
    folder = tmp_path_factory.mktemp("two_dialects")
    small_lake.make(folder / "small", folder, otelmart)
    warehouse = folder / "warehouse.duckdb"
    env = {**os.environ, "OTELMART_LAKE": str(folder / "small"), "OTELMART_WAREHOUSE": str(warehouse)}
    command = [str(Path(otelmart).with_name("dbt")), "--quiet", "build", "--target", "local", "--vars", AS_OF]
    paths = ["--project-dir", "dbt", "--profiles-dir", "dbt", "--target-path", str(folder), "--log-path", str(folder)]
    only = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    done = subprocess.run([*command, *paths, *only], cwd=DBT.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"dbt build failed:\n{done.stdout}{done.stderr}"
    return DuckTables(warehouse)


@pytest.fixture(scope="module")
def reference_tables(
    full_refresh: Project, analysed_full_refresh: Analysis, duckdb_tables: DuckTables
) -> ReferenceTables:
    models = {node.table: node for node in full_refresh.nodes if node.kind == "model"}
    return ReferenceTables(models, analysed_full_refresh.catalog, duckdb_tables)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_same_rows_in_both_dialects(
    name: str, full_refresh: Project, duckdb_tables: DuckTables, reference_tables: ReferenceTables
) -> None:
    table = full_refresh.model(name).table
    found = differences(duckdb_tables.part(table, PARTS.get(name, "true")), reference_tables[table])
    assert not found, "\n".join([f"{name}: {len(found)} differences, for example", *found[:MAX_SHOWN]])


def test_the_small_lake_gives_rows_to_every_model_and_a_few_thousand_to_compare(
    full_refresh: Project, duckdb_tables: DuckTables
) -> None:
    models = [node for node in full_refresh.nodes if node.kind == "model"]
    row_counts = {model.name: len(duckdb_tables[model.table]) for model in models}
    assert {name for name, row_count in row_counts.items() if row_count == 0} == EMPTY
    assert row_counts["stg_otel__spans"] > 2000


@pytest.fixture(scope="module")
def asked(full_refresh: Project, duckdb_tables: DuckTables) -> dict[str, str]:
    """The SQL of each panel and variable, of all services of production."""
    table = full_refresh.model("fct_volume_daily").table
    dataset = table.rpartition(".")[0]
    services = sorted(set(duckdb_tables[table]["service_name"].to_pylist()))
    return {name: panels.filled(sql, dataset, "production", services, *DAYS) for name, sql in QUERIES.items()}


@pytest.mark.parametrize("name", QUERIES)
def test_a_panel_reads_the_dates_asked_for_alone(
    name: str, asked: dict[str, str], analysed_full_refresh: Analysis
) -> None:
    assert "$" not in asked[name]
    statement = analysed_full_refresh.catalog.resolve(asked[name], **FOR_PARTITIONS)
    assert [read.table for read in unfiltered_reads(statement, analysed_full_refresh.partitions)] == []


@pytest.mark.parametrize("name", QUERIES)
def test_a_panel_has_the_same_rows_in_both_dialects(
    name: str, asked: dict[str, str], analysed_full_refresh: Analysis, duckdb_tables: DuckTables
) -> None:
    (sql,) = sqlglot.transpile(asked[name].replace("otelmart.", ""), read="bigquery", write="duckdb")
    ours = duckdb_tables.ask(sql.replace("CURRENT_DATE", "DATE '2026-11-18'"))
    assert not differences(ours, analysed_full_refresh.catalog.evaluate(asked[name], duckdb_tables))
    assert len(ours) > 0
