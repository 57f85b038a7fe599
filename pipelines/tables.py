"""schemas/*.json as objects: the Arrow schema, the BigQuery field list and the DDL of each table, all from one file."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
TABLES = ("traces", "logs", "metrics", "dead_letters", "ingest_ledger", "outside_counts")
SCHEMA_VERSION = 1

_ARROW: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "NUMERIC": pa.decimal128(38, 9),
}

Field = dict[str, Any]


@cache
def table(name: str) -> dict[str, Any]:
    """The BigQuery REST `Table` resource of one table, without project and dataset."""
    resource: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return resource


@cache
def arrow_schema(name: str) -> pa.Schema:
    """Plain Arrow schema of a table, in column order. Kernel batches may dictionary-encode its strings."""
    return pa.schema([_arrow_field(f) for f in table(name)["schema"]["fields"]])


def partition_column(name: str) -> str:
    """Column whose UTC date is the event date of a row."""
    column: str = table(name)["timePartitioning"]["field"]
    return column


@cache
def ddl(name: str, dataset: str = "observability") -> str:
    """GoogleSQL `CREATE TABLE` of a table."""
    resource = table(name)
    columns = ",\n  ".join(
        f"{f['name']} {sql_type(f)}{' NOT NULL' if f['mode'] == 'REQUIRED' else ''}"
        for f in resource["schema"]["fields"]
    )
    partition = resource["timePartitioning"]["field"]
    kind = next(f["type"] for f in resource["schema"]["fields"] if f["name"] == partition)
    by = partition if kind == "DATE" else f"DATE({partition})"
    cluster = ", ".join(resource["clustering"]["fields"])
    return (
        f"CREATE TABLE `{dataset}.{name}` (\n  {columns}\n)\nPARTITION BY {by}\nCLUSTER BY {cluster}\n"
        f"OPTIONS (require_partition_filter = {str(resource['requirePartitionFilter']).lower()})"
    )


def sql_type(field: Field) -> str:
    """GoogleSQL type of a field, without its nullability."""
    kind = field["type"]
    if kind == "RECORD":
        kind = "STRUCT<" + ", ".join(f"{f['name']} {sql_type(f)}" for f in field["fields"]) + ">"
    return f"ARRAY<{kind}>" if field["mode"] == "REPEATED" else kind


def _arrow_field(field: Field) -> "pa.Field[Any]":
    kind = pa.struct([_arrow_field(f) for f in field["fields"]]) if field["type"] == "RECORD" else _ARROW[field["type"]]
    if field["mode"] == "REPEATED":
        kind = pa.list_(pa.field("element", kind))
    return pa.field(field["name"], kind, nullable=True)
