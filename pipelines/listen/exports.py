"""OTLP export calls as data: what may be asked, what is answered, in either encoding. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from pipelines.payloads import Encoding, Signal

# opentelemetry-proto, collector/*/v1: the service that takes a signal, and what its partial success counts
SERVICES: Mapping[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_RESPONSES: Mapping[Signal, Any] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}
_REJECTED: Mapping[Signal, str] = {
    "traces": "rejected_spans",
    "logs": "rejected_log_records",
    "metrics": "rejected_data_points",
}


@dataclass(frozen=True, slots=True)
class Export:
    """One request, uncompressed, of the signal that its address names; `sent` is its body, if that came compressed."""

    signal: Signal
    data: bytes
    encoding: Encoding
    sent: bytes = b""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an export that is on disk: how many of its rows can only be dead letters, and why."""

    rejected_count: int = 0
    error_text: str = ""


class Refusal(Exception):
    """An export that is not taken, by whatever protocol it came: see the subclasses. The text is for the client."""


class Malformed(Refusal):
    """The bytes are no such request: sending them again is no use."""


class Overloaded(Refusal):
    """Too much at once: the same request may be taken later."""


class NotDurable(Refusal):
    """The disk refused, so nothing was taken: the same request may be taken later."""


def response(signal: Signal, receipt: Receipt) -> Any:
    """The service's response message; its partial success is set only when rows were rejected."""
    message = _RESPONSES[signal]()
    if receipt.rejected_count:
        setattr(message.partial_success, _REJECTED[signal], receipt.rejected_count)
        message.partial_success.error_message = receipt.error_text
    return message


def failure(code: int, text: str) -> Any:
    """google.rpc.Status, the body of every answer that is no success. `code` is gRPC's."""
    return Status(code=code, message=text)


def encoded(message: Any, encoding: Encoding) -> bytes:
    if encoding == "json":
        return json_format.MessageToJson(message, indent=None).encode()
    data: bytes = message.SerializeToString()
    return data
