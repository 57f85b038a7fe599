"""schemas/*.json as BigQuery and Arrow see them: the source design's columns verbatim, and no value lost on the way."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import tables
from tests.sql.googlesql import Catalog

DESIGN_DDL = (Path(__file__).parent / "design" / "traces.sql").read_text()
SAMPLES = {
    "STRING": "Öl",
    "BYTES": b"\x00\xff",
    "INT64": 2**63 - 1,
    "FLOAT64": 0.1,
    "BOOL": True,
    "DATE": dt.date(2026, 11, 18),
    "TIMESTAMP": dt.datetime(2026, 11, 18, 23, 59, 59, 999999, tzinfo=dt.UTC),
    "NUMERIC": Decimal("12345678901234567890123456789.123456789"),
}


@pytest.mark.parametrize("name", tables.TABLES)
def test_the_ddl_of_a_table_gives_its_columns_in_googlesql(name: str, raw_tables: Catalog) -> None:
    columns = [(c.name, c.type) for c in raw_tables.create(tables.ddl(name))]
    assert columns == [(f["name"], tables.sql_type(f)) for f in tables.table(name)["schema"]["fields"]]


def test_traces_begins_with_the_source_designs_columns_verbatim(raw_tables: Catalog) -> None:
    design = [(c.name, c.type) for c in raw_tables.create(DESIGN_DDL, name="design.traces")]
    ours = [(c.name, c.type) for c in raw_tables.tables["observability.traces"]]
    assert len(design) == 24
    assert ours[:24] == design


def test_traces_keeps_the_source_designs_modes_partition_and_clustering() -> None:
    fields = tables.table("traces")["schema"]["fields"][:24]
    required = {"trace_id", "span_id", "name", "start_time", "end_time"}
    assert {f["name"] for f in fields if f["mode"] == "REQUIRED"} == required
    assert {line.split()[0] for line in DESIGN_DDL.splitlines() if line.endswith("NOT NULL,")} == required
    assert "PARTITION BY DATE(start_time)\nCLUSTER BY service_name, name;" in DESIGN_DDL
    assert "PARTITION BY DATE(start_time)\nCLUSTER BY service_name, name\n" in tables.ddl("traces")


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_row_of_a_table_comes_back_from_parquet_and_googlesql_unchanged(
    name: str, raw_tables: Catalog, tmp_path: Path
) -> None:
    row = {f["name"]: sample(f) for f in tables.table(name)["schema"]["fields"]}
    pq.write_table(pa.Table.from_pylist([row], schema=tables.arrow_schema(name)), tmp_path / "part.parquet")
    read = pq.read_table(tmp_path / "part.parquet")
    assert read.schema.equals(tables.arrow_schema(name))
    table = f"observability.{name}"
    assert raw_tables.evaluate(f"select * from `{table}`", {table: read}).records == [row]


def test_every_field_of_every_table_is_described_and_has_a_known_type_and_mode() -> None:
    kinds = {*SAMPLES, "RECORD"}
    for name in tables.TABLES:
        for field in tables.table(name)["schema"]["fields"]:
            assert field["description"].endswith("."), (name, field["name"])
            assert field["type"] in kinds, (name, field["name"])
            assert field["mode"] in {"REQUIRED", "NULLABLE", "REPEATED"}, (name, field["name"])


def sample(field: tables.Field) -> object:
    """A value of a field that a careless conversion would change."""
    value = {f["name"]: sample(f) for f in field["fields"]} if field["type"] == "RECORD" else SAMPLES[field["type"]]
    return [value, value] if field["mode"] == "REPEATED" else value
