"""What a row weighs on its way, and what a build reads: the figures behind deploy/cost/README.md.

Bytes of the usual traffic as message, as sent to BigQuery, by BigQuery's data-type sizes and as Parquet in the lake.
What the models read, hold and take comes from the demo's warehouse; without `make demo` those figures are left out.
Sizes: cloud.google.com/bigquery/pricing#data, https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deflate
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

REQUESTS = 96
ROWS_A_REQUEST = 512
RECEIVED_US = 1_795_000_000_000_000
GZIP_LEVEL = 6  # the default of the collector's exporter
HERE = Path(__file__).resolve().parent
STATE = HERE.parents[1] / ".otelmart"
Figures = dict[str, dict[str, object]]


def measure() -> Figures:
    """Bytes a row of each signal; then what a build reads, holds and takes, a span of the demo."""
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    import traffic

    made = {"traces": traffic.trace_requests, "logs": traffic.log_requests, "metrics": traffic.metric_requests}
    rows = {f"{signal}_{name}": figure for signal, make in made.items() for name, figure in _row(signal, make).items()}
    return rows | (_build() if (STATE / "warehouse.duckdb").exists() else {})


def logical_bytes(array: pa.Array) -> int:
    """Bytes of a column as BigQuery bills them: NULL 0, text 2 and its UTF-8, numbers and times 8, BOOL 1."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return logical_bytes(array.cast(kind.value_type))
    if pa.types.is_struct(kind):
        return sum(logical_bytes(child) for child in array.flatten())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return logical_bytes(array.flatten() if not pa.types.is_map(kind) else array.cast(_entries(kind)).flatten())
    present = len(array) - array.null_count
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return 2 * present + int(pc.sum(pc.binary_length(array)).as_py() or 0)
    return present * (1 if pa.types.is_boolean(kind) else 16 if pa.types.is_decimal(kind) else 8)


def _entries(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))


def _row(signal: str, make: Any) -> Figures:
    """What one row of a signal weighs, by name."""
    from pipelines import tables
    from pipelines.cli.ingest import ingest
    from pipelines.cli.options import Engine
    from pipelines.decode import groups
    from pipelines.decode.rules import Rules
    from pipelines.listen.topic import attributes
    from pipelines.payloads import Payload, payload_id

    requests = make(REQUESTS, ROWS_A_REQUEST)
    attribute_bytes = sum(len(key) + len(value) for key, value in attributes(signal).items())
    payloads = [
        Payload(signal, data, "protobuf", payload_id(data), 1_795_000_000_000_000, "bench") for data in requests
    ]
    batch = groups.decode(payloads, Rules.load(b"bench")).rows.cast(tables.arrow_schema(signal))
    with tempfile.TemporaryDirectory(prefix="otelmart-bench-") as place:
        source, lake = Path(place, "in"), Path(place, "lake")
        source.mkdir()
        for i, data in enumerate(requests):
            (source / f"{i:06d}.bin.gz").write_bytes(bytes(deflate.gzip_compress(data, GZIP_LEVEL)))
        gzip_bytes = sum(path.stat().st_size + attribute_bytes for path in source.iterdir())
        os.environ.setdefault("OTELMART_PRIVACY_KEY", "bench")
        ingest(f"files:{source}", lake, 64 << 20, Engine("plain"))
        lake_bytes = sum(part.stat().st_size for part in lake.glob(f"{signal}/*/*.parquet"))
    message = f"{ROWS_A_REQUEST} rows a message"
    totals = {
        "message_bytes": (sum(map(len, requests)), f"{message}, protobuf"),
        "message_gzip_bytes": (gzip_bytes, f"{message}, gzip {GZIP_LEVEL}, attributes included"),
        "sent_bytes": (batch.nbytes, "Arrow, as sent to BigQuery"),
        "logical_bytes": (sum(map(logical_bytes, batch.columns)), "BigQuery's data-type sizes"),
        "lake_bytes": (lake_bytes, f"Parquet, one part of {batch.num_rows:,} rows"),
    }
    return {name: _figure(total / batch.num_rows, "B/row", against) for name, (total, against) in totals.items()}


def _build() -> Figures:
    """What all incremental models together read, hold and take when each date is built once, a span."""
    import duckdb

    manifest, results = (
        json.loads((STATE / "dbt/target" / name).read_text()) for name in ("manifest.json", "run_results.json")
    )
    models = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "view"
    }
    with duckdb.connect(str(STATE / "warehouse.duckdb"), read_only=True) as warehouse:
        columns = _Columns(warehouse, manifest)
        reads = [(parent, words) for node in models.values() for parent, words in _read(node, columns)]
        read_bytes = sum(
            size for parent, words in reads for name, size in columns.of(parent).items() if name.lower() in words
        )
        held = sum(sum(columns.of(key).values()) for key in models)
        spans = pq.ParquetDataset(STATE / "lake/traces").read(columns=["span_id"]).num_rows
    seconds = sum(result["execution_time"] for result in results["results"] if result["unique_id"] in models)
    demo = f"the demo's {spans:,} spans with their logs and metrics"
    return {
        "build_bytes": _figure(read_bytes / spans, "B/span", f"columns that each model's SQL names; {demo}"),
        "build_table_reads": _figure(len(reads), "tables", f"read by {len(models)} models in one build"),
        "build_seconds": _figure(seconds / spans * 1e6, "s/million", f"each model's time on DuckDB; {demo}"),
        "models_logical_bytes": _figure(held / spans, "B/span", f"rows of all models; {demo}"),
    }


class _Columns:
    """BigQuery's bytes of every column of a table or source, each read once."""

    def __init__(self, warehouse: Any, manifest: dict[str, Any]) -> None:
        self._warehouse = warehouse
        self._relations = manifest["nodes"] | manifest["sources"]
        self._known: dict[str, dict[str, int]] = {}

    def of(self, key: str) -> dict[str, int]:
        """{column: bytes}; none for what holds no rows of its own."""
        if key not in self._known:
            self._known[key] = dict(self._measured(self._relations[key]))
        return self._known[key]

    def _measured(self, node: dict[str, Any]) -> Iterator[tuple[str, int]]:
        schema, table = node["schema"], node.get("alias") or node["identifier"]
        if node["resource_type"] == "source":
            parts = sorted((STATE / "lake" / table).glob("*/*.parquet"))
            names = pq.read_schema(parts[0]).names if parts else []
            for name in names:
                found = [pq.read_table(part, columns=[name], partitioning=None).column(0) for part in parts]
                yield name, sum(logical_bytes(chunk) for column in found for chunk in column.chunks)
            return
        described = self._warehouse.execute(
            "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [schema, table]
        ).fetchall()
        for (name,) in described:
            column = self._warehouse.sql(f'select "{name}" from "{schema}"."{table}"').to_arrow_table().column(0)
            yield name, sum(logical_bytes(chunk) for chunk in column.chunks)


def _read(node: dict[str, Any], columns: _Columns) -> Iterator[tuple[str, set[str]]]:
    """(table or source read, words of the model's SQL) of one model."""
    words = set(re.findall(r"\w+", (node.get("compiled_code") or node["raw_code"]).lower()))
    for parent in node["depends_on"]["nodes"]:
        if parent.split(".")[0] in ("model", "source") and columns.of(parent):
            yield parent, words


def _figure(value: float, unit: str, against: str) -> dict[str, object]:
    return {"value": value, "unit": unit, "against": against}
