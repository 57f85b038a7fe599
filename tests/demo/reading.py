"""A demo's requests, parsed by the official classes: a reading of the output that shares nothing with its writer."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import zstandard
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}


class Message(NamedTuple):
    """One request of a file, parsed; None when it cannot be."""

    path: str
    signal: str
    received_ns: int
    data: bytes
    request: Any


class Demo(NamedTuple):
    """A written demo: its directory, truth.json and distinct messages."""

    directory: Path
    truth: dict[str, Any]
    messages: list[Message]
    all_spans: list[tuple[Any, Any]]
    """(resource attributes, span)"""
    logs: list[tuple[Any, Any, str]]
    """(resource attributes, record, date), without records that cannot be rows"""
    points: list[tuple[Any, Any, Any]]
    """(resource attributes, metric, point), without points that cannot be rows"""

    @property
    def spans(self) -> list[tuple[Any, Any]]:
        """(resource attributes, span), without spans that cannot be rows."""
        return [(resource, span) for resource, span in self.all_spans if not bad_span(span)]


def read(directory: Path) -> Demo:
    """The demo in a directory; requests delivered more than once are there once."""
    distinct = list({m.data: m for m in messages(directory)}.values())
    truth = json.loads((directory / "truth.json").read_text())
    return Demo(directory, truth, distinct, list(_spans(distinct)), list(_logs(distinct)), list(_points(distinct)))


def messages(directory: Path) -> Iterator[Message]:
    """Every request of every file named in the manifest, in the order received."""
    for line in (directory / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for data in _bodies(entry, (directory / entry["path"]).read_bytes()):
            yield Message(entry["path"], entry["signal"], entry["received_unix_ns"], data, _parsed(entry, data))


def date(time_ns: int) -> str:
    """UTC date of a time in ns."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).date().isoformat()


def text(attributes: Any, *names: str) -> str:
    """Text of the first of `names` that the attributes have, else ""."""
    found = {a.key: a.value.string_value for a in attributes}
    return next((found[name] for name in names if name in found), "")


def _spans(found: list[Message]) -> Iterator[tuple[Any, Any]]:
    for message in found:
        if message.signal == "traces" and message.request:
            for resource in message.request.resource_spans:
                for scope in resource.scope_spans:
                    yield from ((resource.resource.attributes, span) for span in scope.spans)


def bad_span(span: Any) -> str:
    """Why a span cannot be a row, "" when it can."""
    if span.start_time_unix_nano == 0:
        return "start_time_unknown"
    if is_out_of_range(span.start_time_unix_nano):
        return "time_out_of_range"
    if len(span.trace_id) != 16:
        return "bad_trace_id"
    if len(span.span_id) != 8 or not any(span.span_id):
        return "bad_span_id"
    return "" if len(span.parent_span_id) in (0, 8) else "bad_parent_span_id"


def is_out_of_range(time_ns: int) -> bool:
    """Years away from when the demo takes place."""
    return not date(time_ns).startswith("2026-11")


def _logs(found: list[Message]) -> Iterator[tuple[Any, Any, str]]:
    for message in found:
        if message.signal == "logs" and message.request:
            for resource in message.request.resource_logs:
                for scope in resource.scope_logs:
                    for log in scope.log_records:
                        time_ns = log.time_unix_nano or log.observed_time_unix_nano or message.received_ns
                        if not bad_log(log, time_ns):
                            yield resource.resource.attributes, log, date(time_ns)


def bad_log(log: Any, time_ns: int) -> bool:
    """Whether a record cannot be a row."""
    return is_out_of_range(time_ns) or len(log.trace_id) not in (0, 16) or len(log.span_id) not in (0, 8)


def _points(found: list[Message]) -> Iterator[tuple[Any, Any, Any]]:
    for message in found:
        if message.signal == "metrics" and message.request:
            for resource in message.request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        for point in getattr(metric, metric.WhichOneof("data")).data_points:
                            if not is_out_of_range(point.time_unix_nano):
                                yield resource.resource.attributes, metric, point


def _bodies(entry: dict[str, Any], stored: bytes) -> Iterator[bytes]:
    if entry["content_encoding"] == "gzip":
        try:
            yield gzip.decompress(stored)
        except zlib.error:
            yield stored
    elif entry["content_encoding"] == "zstd":
        yield zstandard.ZstdDecompressor().decompress(stored)
    elif entry["path"].endswith(".jsonl"):
        yield from stored.splitlines()
    elif entry["path"].endswith(".pb"):
        while stored:
            size = struct.unpack(">I", stored[:4])[0]
            yield stored[4 : 4 + size]
            stored = stored[4 + size :]
    else:
        yield stored


def _parsed(entry: dict[str, Any], data: bytes) -> Any:
    request = REQUESTS[entry["signal"]]()
    try:
        if entry["content_type"] == "application/json":
            return json_format.ParseDict(_hex_to_base64(json.loads(data)), request)
        request.ParseFromString(data)
    except (DecodeError, json.JSONDecodeError, json_format.ParseError):
        return None
    return request


def _hex_to_base64(value: Any) -> Any:
    """OTLP/JSON writes ids in hex where protobuf's JSON wants base64."""
    if isinstance(value, list):
        return [_hex_to_base64(v) for v in value]
    if isinstance(value, dict):
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            k: base64.b64encode(bytes.fromhex(v)).decode() if k in ids else _hex_to_base64(v) for k, v in value.items()
        }
    return value
