"""What a publisher counts of its own messages, as outside counts of a lake; the pipeline has no part in it."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines import outside_counts
from pipelines.sources import files

Message = tuple[bytes, dict[str, str]]


def put_counts(lake: Path, messages: Iterable[Message]) -> None:
    """The rows of distinct messages, by table and date; those of another call add up to them."""
    counts = Counter((table, day) for table, data in _distinct(messages) for day in _days(table, data))
    rows = [
        {"counted_by": "publish count", "table_name": table, "event_date": str(day), "row_count": count}
        for (table, day), count in sorted(counts.items())
    ]
    with TemporaryDirectory() as folder:
        (Path(folder) / "outside_counts.json").write_text(json.dumps(rows))
        outside_counts.take_over(files.listing(folder), lake)


def _distinct(messages: Iterable[Message]) -> set[tuple[str, bytes]]:
    """Table and bytes before gzip; a message without attributes is of spans in these tests."""
    return {
        (
            attributes.get("ce-type", "org.opentelemetry.otlp.traces.v1").split(".")[3],
            gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data,
        )
        for data, attributes in messages
    }


def _days(table: str, data: bytes) -> list[date]:
    """Event date of each row; what has no time, or cannot be read at all, can only be a dead letter."""
    try:
        times = _times(table, data)
    except DecodeError:
        return []
    return [datetime.fromtimestamp(time // 10**9, UTC).date() for time in times if time]


def _times(table: str, data: bytes) -> list[int]:
    request: Any
    if table == "traces":
        request = ExportTraceServiceRequest.FromString(data)
        scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
        return [span.start_time_unix_nano for scope in scopes for span in scope.spans]
    if table == "logs":
        request = ExportLogsServiceRequest.FromString(data)
        scopes = [scope for resource in request.resource_logs for scope in resource.scope_logs]
        return [record.time_unix_nano for scope in scopes for record in scope.log_records]
    request = ExportMetricsServiceRequest.FromString(data)
    scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
    return [point.time_unix_nano for scope in scopes for metric in scope.metrics for point in metric.gauge.data_points]
