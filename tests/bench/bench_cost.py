"""What a row weighs on its way, and what a build reads: the figures behind deploy/cost/README.md.

Bytes of the usual traffic as message, as sent to BigQuery, by BigQuery's data-type sizes and as Parquet in the lake.
What the models read, replace and take comes from the demo's warehouse; without `make demo` those figures are left out.
A build of one changed date reaches days around it, by the models' meta in dbt's manifest: `days_around`.
Sizes: cloud.google.com/bigquery/pricing#data, https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
LEDGER = "source.otelmart.observability.ingest_ledger"
CHANGED_DATES = "macro.otelmart.changed_dates_sql"
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


@dataclass(frozen=True, slots=True)
class Days:
    """Days around one changed date that a model replaces, and that it reads to do so."""

    replaced_before: int
    replaced_after: int
    read_before: int
    read_after: int


def days_around(manifest: dict[str, Any], key: str) -> Days:
    """What dbt/macros/changed_dates.sql makes of the meta of a model and of all that it is made of."""
    node = manifest["nodes"][key]
    parents = [
        days_around(manifest, parent) for parent in node["depends_on"].get("nodes", ()) if parent in manifest["nodes"]
    ]
    meta = node["config"].get("meta") or {}
    reads_before, reads_after = meta.get("days_before", 0), meta.get("days_after", 0)
    before = max((days.replaced_before for days in parents), default=0) + reads_after
    after = max((days.replaced_after for days in parents), default=0) + reads_before
    return Days(before, after, before + reads_before, after + reads_after)


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
    from pipelines.sinks.storage_write import requests_of

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
        "sent_bytes": (sum(part.nbytes for part in requests_of(signal, [batch])), "Arrow, as sent to BigQuery"),
        "logical_bytes": (sum(map(logical_bytes, batch.columns)), "BigQuery's data-type sizes"),
        "lake_bytes": (lake_bytes, f"Parquet, one part of {batch.num_rows:,} rows"),
    }
    return {name: _figure(total / batch.num_rows, "B/row", against) for name, (total, against) in totals.items()}


def _build() -> Figures:
    """What a build of one changed date reads, replaces and takes, a span: of that date and of those around it.

    Models that are built whole, and the ledger's count of what changed, read all days there are: the history.
    """
    import duckdb

    manifest, results = (
        json.loads((STATE / "dbt/target" / name).read_text()) for name in ("manifest.json", "run_results.json")
    )
    models = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "view"
    }
    dated = {key: days_around(manifest, key) for key, node in models.items() if _replaces_dates(node)}
    with duckdb.connect(str(STATE / "warehouse.duckdb"), read_only=True) as warehouse:
        columns = _Columns(warehouse, manifest)
        reads = {key: [columns.named(parent, words) for parent, words in _read(models[key], columns)] for key in models}
        ledger = columns.named(LEDGER, _words(manifest["macros"][CHANGED_DATES]["macro_sql"]))
        held = {key: sum(columns.of(key).values()) for key in models}
        spans = pq.ParquetDataset(STATE / "lake/traces").read(columns=["span_id"]).num_rows
    seconds = {result["unique_id"]: result["execution_time"] for result in results["results"]}
    read_bytes = {key: sum(sizes) for key, sizes in reads.items()}
    history_bytes = ledger + sum(read_bytes[key] for key in models if key not in dated)
    table_count = sum(map(len, reads.values())) + 2 * len(dated)
    demo = f"the demo's {spans:,} spans with their logs and metrics"
    whole = f"all days, read by {len(models) - len(dated)} models built whole and of the ledger"
    written = f"read by {len(models)} models in one build, with what {len(dated)} write first and then replace"
    return {
        **_dated({key: (days, read_bytes[key], held[key], seconds[key]) for key, days in dated.items()}, spans, demo),
        "build_history_bytes": _figure(history_bytes / spans, "B/span", f"{whole}; {demo}"),
        "build_table_reads": _figure(table_count, "tables", written),
        "models_logical_bytes": _figure(sum(held.values()) / spans, "B/span", f"rows of all models; {demo}"),
    }


def _dated(models: dict[str, tuple[Days, int, int, float]], spans: int, demo: str) -> Figures:
    """Of models that replace dates, by (days around, bytes read, bytes held, seconds), all of one day."""
    around: dict[str, tuple[str, Callable[[Days], tuple[int, int]]]] = {
        "build": ("", lambda _: (1, 1)),
        "build_before": ("days before, ", lambda days: (days.read_before, days.replaced_before)),
        "build_after": ("days after, ", lambda days: (days.read_after, days.replaced_after)),
    }
    figures = {}
    for name, (which, of) in around.items():
        counted = [(*of(days), *sizes) for days, *sizes in models.values()]
        read = sum(read_days * read_bytes for read_days, _, read_bytes, _, _ in counted)
        replaced = sum(replaced_days * held_bytes for _, replaced_days, _, held_bytes, _ in counted)
        took = sum(read_days * seconds for read_days, _, _, _, seconds in counted)
        figures |= {
            f"{name}_bytes": _figure(read / spans, "B/span", f"{which}columns that each model's SQL names; {demo}"),
            f"{name}_replaced_bytes": _figure(replaced / spans, "B/span", f"{which}partitions replaced; {demo}"),
            f"{name}_seconds": _figure(took / spans * 1e6, "s/million", f"{which}each model's on DuckDB; {demo}"),
        }
    return figures


def _replaces_dates(node: dict[str, Any]) -> bool:
    return bool(node["config"]["materialized"] == "incremental")


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

    def named(self, key: str, words: set[str]) -> int:
        """Bytes of the columns that are among words."""
        return sum(size for name, size in self.of(key).items() if name.lower() in words)

    def _measured(self, node: dict[str, Any]) -> Iterator[tuple[str, int]]:
        schema, table = node["schema"], node.get("alias") or node["identifier"]
        if node["resource_type"] == "source":
            parts = sorted((STATE / "lake" / table).glob("**/*.parquet"))
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
    words = _words(node.get("compiled_code") or node["raw_code"])
    for parent in node["depends_on"]["nodes"]:
        if parent.split(".")[0] in ("model", "source") and columns.of(parent):
            yield parent, words


def _words(sql: str) -> set[str]:
    return set(re.findall(r"\w+", sql.lower()))


def _figure(value: float, unit: str, against: str) -> dict[str, object]:
    return {"value": value, "unit": unit, "against": against}
