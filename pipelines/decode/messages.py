"""OTLP's protobuf messages with every `string` field as `bytes`, made at run time from the official descriptors.

So bytes that are not UTF-8 can be repaired instead of failing a whole request, and nothing can drift from the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines.payloads import Signal

OFFICIAL: dict[Signal, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
# Fields from the request down to the repeated rows (a metric's points hang below its own field, one a metric type).
RESOURCES: dict[Signal, str] = {"traces": "resource_spans", "logs": "resource_logs", "metrics": "resource_metrics"}
SCOPES: dict[Signal, str] = {"traces": "scope_spans", "logs": "scope_logs", "metrics": "scope_metrics"}
ITEMS: dict[Signal, str] = {"traces": "spans", "logs": "log_records", "metrics": "metrics"}


def is_text(message: str, field: str) -> bool:
    """Whether a field of a message (full name) is a string in OTLP, though these classes hold it as bytes."""
    return (message, field) in _TEXT_FIELDS


_TEXT_FIELDS: set[tuple[str, str]] = set()


def _files(file: FileDescriptor) -> Iterator[FileDescriptor]:
    """The file and all it imports, imports first."""
    for imported in file.dependencies:
        yield from _files(imported)
    yield file


def _with_bytes(file: FileDescriptor) -> FileDescriptorProto:
    copy = FileDescriptorProto()
    file.CopyToProto(copy)
    copy.ClearField("service")
    for message in copy.message_type:
        _strings_to_bytes(message, f"{copy.package}.{message.name}")
    return copy


def _strings_to_bytes(message: DescriptorProto, full_name: str) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
            _TEXT_FIELDS.add((full_name, field.name))
    for nested in message.nested_type:
        _strings_to_bytes(nested, f"{full_name}.{nested.name}")


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for file in {
        file.name: file for official in OFFICIAL.values() for file in _files(official.DESCRIPTOR.file)
    }.values():
        pool.AddSerializedFile(_with_bytes(file).SerializeToString())
    return pool


_POOL = _pool()


def _class(full_name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(full_name))


REQUESTS: dict[Signal, Any] = {signal: _class(official.DESCRIPTOR.full_name) for signal, official in OFFICIAL.items()}
AnyValue = _class("opentelemetry.proto.common.v1.AnyValue")
KeyValue = _class("opentelemetry.proto.common.v1.KeyValue")
