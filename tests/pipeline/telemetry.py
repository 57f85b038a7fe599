"""Small OTLP requests, made with the official classes, and what a lake holds."""

import hashlib
import json
import os
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

RECEIVED_NS = 1_795_000_000_000_000_000  # 2026-11-18 11:06:40 UTC


def time_ns(day: str, second: int = 0) -> int:
    """ns since 1970 of noon of a day, plus seconds."""
    return int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp() + second) * 10**9


def spans(first: int, count: int = 2, day: str = "2026-11-16", bad_ordinals: tuple[int, ...] = ()) -> bytes:
    """A request of spans with ids first, first + 1, …; those at `bad_ordinals` have start time 0."""
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for i in range(count):
        start_ns = 0 if i in bad_ordinals else time_ns(day, i)
        scope_spans.spans.add(
            trace_id=(first + i).to_bytes(16, "big"),
            span_id=(first + i).to_bytes(8, "big"),
            name="GET /cart",
            kind="SPAN_KIND_SERVER",
            start_time_unix_nano=start_ns,
            end_time_unix_nano=time_ns(day, i) + 5_000_000,
        )
    return request.SerializeToString()


def logs(first: int, count: int = 2, day: str = "2026-11-16") -> bytes:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    for i in range(count):
        record = scope_logs.log_records.add(time_unix_nano=time_ns(day, first + i))
        record.body.string_value = f"line {first + i}"
    return request.SerializeToString()


def points(first: int, count: int = 2, day: str = "2026-11-16") -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="queue.length")
    for i in range(count):
        metric.gauge.data_points.add(time_unix_nano=time_ns(day, first + i), as_int=i)
    return request.SerializeToString()


def as_json(request: bytes) -> bytes:
    """A request of spans as OTLP/JSON: ids in hex, as the OTLP specification has them."""
    document: dict[str, Any] = MessageToDict(ExportTraceServiceRequest.FromString(request), use_integers_for_enums=True)
    parsed = ExportTraceServiceRequest.FromString(request).resource_spans[0].scope_spans[0].spans
    for sent, span in zip(document["resourceSpans"][0]["scopeSpans"][0]["spans"], parsed, strict=True):
        sent["traceId"], sent["spanId"] = span.trace_id.hex(), span.span_id.hex()
    return json.dumps(document).encode()


def delimited(*frames: bytes) -> bytes:
    """Messages with their length before them, as the collector's file exporter writes them."""
    return b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)


def write(path: Path, data: bytes) -> Path:
    """A file that was modified long ago: nobody waits to see whether it still grows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(RECEIVED_NS, RECEIVED_NS))
    return path


def receipts(folder: Path) -> None:
    """A manifest that says when each file of a folder came in."""
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    lines = [{"path": name, "received_unix_ns": RECEIVED_NS + i * 10**9} for i, name in enumerate(names)]
    write(folder / "manifest.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())


def tree(folder: Path) -> dict[str, str]:
    """{file: SHA-256} of everything below a folder, plans and all."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}


def rows(lake: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query over the lake's tables, named as they are; tables without files are not there."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table in lake.iterdir():
            nested = "*/*.parquet" if table.name not in ("ingest_ledger", "outside_counts") else "*.parquet"
            if next(table.glob(nested), None):
                connection.read_parquet(f"{table}/{nested}", hive_partitioning=True).create_view(table.name)
        return connection.execute(query).fetchall()
