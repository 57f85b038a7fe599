"""OTLP as bytes: spans and log records → protobuf or JSON requests, fast enough for 300,000 spans.

Attributes are serialised once per distinct pair by the official classes; the messages around them are put together
here. tests/demo parses every request with the official classes.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage

Value = str | bool | int | float | bytes | tuple[str, ...]
Attributes = Mapping[str, Value]

UNSPECIFIED, INTERNAL, SERVER, CLIENT = range(4)
UNSET, OK, ERROR = range(3)
SAMPLED, REMOTE_PARENT = 0x101, 0x301  # sampled bit, "is remote" known, parent is remote


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """A resource: what emits. One object each, told apart by identity; `attributes` are (name, value) pairs."""

    attributes: tuple[tuple[str, Value], ...]
    schema_url: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Scope:
    """An instrumentation scope, one object each."""

    name: str
    version: str = ""


class Event(NamedTuple):
    """A span event."""

    name: str
    time_ns: int
    attributes: Attributes


class Span(NamedTuple):
    """A span. Times are ns since 1970; `end_ns` 0 means that nobody knows."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    status: int = UNSET
    message: str = ""
    events: tuple[Event, ...] = ()
    trace_state: str = ""
    flags: int = SAMPLED
    link: bytes = b""  # trace id + span id


class Log(NamedTuple):
    """A log record. `time_ns` 0 means that only the observer's clock is known."""

    time_ns: int
    observed_ns: int
    severity: int
    severity_text: str
    body: str
    attributes: Attributes
    trace_id: bytes = b""
    span_id: bytes = b""
    event_name: str = ""


class Item(NamedTuple):
    """A span or log record on its way to the collector, which it reaches at `arrival_ns`."""

    arrival_ns: int
    source: Source
    scope: Scope
    record: Span | Log


def grouped(items: Iterable[Item]) -> dict[Source, dict[Scope, list[Any]]]:
    """Records by resource and scope, in the order of arrival."""
    groups: dict[Source, dict[Scope, list[Any]]] = {}
    for item in items:
        groups.setdefault(item.source, {}).setdefault(item.scope, []).append(item.record)
    return groups


def protobuf_request(items: Iterable[Item]) -> bytes:
    """An ExportTraceServiceRequest or ExportLogsServiceRequest: both have the same shape around their records."""
    parts = []
    for source, scopes in grouped(items).items():
        body = [_resource(source)]
        for scope, records in scopes.items():
            body.append(_field(0x12, _field(0x0A, _scope(scope)) + b"".join(map(_record, records))))
        if source.schema_url:
            body.append(_field(0x1A, source.schema_url.encode()))
        parts.append(_field(0x0A, b"".join(body)))
    return b"".join(parts)


def json_request(items: Iterable[Item], signal: str) -> bytes:
    """The same request as OTLP/JSON: ids in hex, 64-bit numbers as text, enums as numbers."""
    outer, inner, records_name = _JSON_NAMES[signal]
    groups = [
        {
            "resource": {"attributes": [_json_pair(k, v) for k, v in source.attributes], "droppedAttributesCount": 0},
            inner: [
                {
                    "scope": {"name": scope.name, "version": scope.version},
                    records_name: [_json_record(r) for r in records],
                }
                for scope, records in scopes.items()
            ],
        }
        for source, scopes in grouped(items).items()
    ]
    return orjson.dumps({outer: groups})


_JSON_NAMES = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}


def any_value(value: Value) -> AnyValue:
    """A value as OTLP's AnyValue, by its Python type."""
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=[any_value(v) for v in value]))
    return AnyValue(**{_ANY_FIELD[type(value)]: value})  # type: ignore[arg-type]


_ANY_FIELD = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_LENGTHS = [_varint(n) for n in range(1 << 14)]


def _field(tag: int, data: bytes) -> bytes:
    size = len(data)
    return bytes((tag,)) + (_LENGTHS[size] if size < 1 << 14 else _varint(size)) + data


_pairs: dict[tuple[str, Value, type], bytes] = {}


def _pair(key: str, value: Value) -> bytes:
    """KeyValue, serialised; the type is part of the memo's key because 1 == True == 1.0."""
    memo = (key, value, value.__class__)
    found = _pairs.get(memo)
    if found is None:
        found = _pairs[memo] = KeyValue(key=key, value=any_value(value)).SerializeToString()
    return found


def _attributes(tag: int, attributes: Attributes) -> bytes:
    return b"".join([_field(tag, _pair(k, v)) for k, v in attributes.items()])


def _resource(source: Source) -> bytes:
    message = ResourceMessage(attributes=[KeyValue(key=k, value=any_value(v)) for k, v in source.attributes])
    return _field(0x0A, message.SerializeToString())


def _scope(scope: Scope) -> bytes:
    return InstrumentationScope(name=scope.name, version=scope.version).SerializeToString()


_TIMES = struct.Struct("<BQBQ").pack
_FIXED64 = struct.Struct("<BQ").pack


def _record(record: Span | Log) -> bytes:
    return _field(0x12, _span(record) if isinstance(record, Span) else _log(record))


def _span(span: Span) -> bytes:
    parts = [_field(0x0A, span.trace_id), _field(0x12, span.span_id)]
    if span.trace_state:
        parts.append(_field(0x1A, span.trace_state.encode()))
    if span.parent_span_id:
        parts.append(_field(0x22, span.parent_span_id))
    parts += [
        _field(0x2A, span.name.encode()),
        bytes((0x30, span.kind)),
        _TIMES(0x39, span.start_ns, 0x41, span.end_ns),
        _attributes(0x4A, span.attributes),
    ]
    for event in span.events:
        body = _FIXED64(0x09, event.time_ns) + _field(0x12, event.name.encode()) + _attributes(0x1A, event.attributes)
        parts.append(_field(0x5A, body))
    if span.link:
        parts.append(_field(0x6A, _field(0x0A, span.link[:16]) + _field(0x12, span.link[16:])))
    status = (_field(0x12, span.message.encode()) if span.message else b"") + bytes((0x18, span.status))
    parts += [_field(0x7A, status if span.status else b""), b"\x85\x01" + struct.pack("<I", span.flags)]
    return b"".join(parts)


def _log(log: Log) -> bytes:
    parts = [
        _FIXED64(0x09, log.time_ns),
        bytes((0x10, log.severity)),
        _field(0x1A, log.severity_text.encode()),
        _field(0x2A, _field(0x0A, log.body.encode())),
        _attributes(0x32, log.attributes),
    ]
    if log.trace_id:
        parts += [b"\x45\x01\x00\x00\x00", _field(0x4A, log.trace_id), _field(0x52, log.span_id)]
    parts.append(_FIXED64(0x59, log.observed_ns))
    if log.event_name:
        parts.append(_field(0x62, log.event_name.encode()))
    return b"".join(parts)


def _json_value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case tuple():
            return {"arrayValue": {"values": [_json_value(v) for v in value]}}
        case _:
            return {"stringValue": value}


def _json_pair(key: str, value: Value) -> dict[str, Any]:
    return {"key": key, "value": _json_value(value)}


def _json_record(record: Span | Log) -> dict[str, Any]:
    return _json_span(record) if isinstance(record, Span) else _json_log(record)


def _json_span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        **({"parentSpanId": span.parent_span_id.hex()} if span.parent_span_id else {}),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": [_json_pair(k, v) for k, v in span.attributes.items()],
        "events": [
            {
                "name": e.name,
                "timeUnixNano": str(e.time_ns),
                "attributes": [_json_pair(k, v) for k, v in e.attributes.items()],
            }
            for e in span.events
        ],
        "status": {"code": span.status, **({"message": span.message} if span.message else {})},
        "flags": span.flags,
    }


def _json_log(log: Log) -> dict[str, Any]:
    return {
        "timeUnixNano": str(log.time_ns),
        "observedTimeUnixNano": str(log.observed_ns),
        "severityNumber": log.severity,
        "severityText": log.severity_text,
        "body": {"stringValue": log.body},
        "attributes": [_json_pair(k, v) for k, v in log.attributes.items()],
        **({"traceId": log.trace_id.hex(), "spanId": log.span_id.hex(), "flags": 1} if log.trace_id else {}),
        **({"eventName": log.event_name} if log.event_name else {}),
    }
