"""Export requests as protobuf, fast enough for 300,000 spans.

Attributes are serialised once per distinct pair by the official classes; the messages around them are put together
here, tag by tag. tests/demo parses every request with the official classes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage

from pipelines.demo.otlp import Attributes, Item, Log, Scope, Source, Span, Value, any_value, grouped


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


_pairs: dict[tuple[int, str, Value, type], bytes] = {}


def _attributes(tag: int, attributes: Attributes) -> bytes:
    """KeyValue fields under a tag, each serialised once; the type is in the key because 1 == True == 1.0."""
    parts = []
    for key, value in attributes.items():
        memo = (tag, key, value, value.__class__)
        found = _pairs.get(memo)
        if found is None:
            found = _pairs[memo] = _field(tag, KeyValue(key=key, value=any_value(value)).SerializeToString())
        parts.append(found)
    return b"".join(parts)


@cache
def _resource(source: Source) -> bytes:
    message = ResourceMessage(attributes=[KeyValue(key=k, value=any_value(v)) for k, v in source.attributes])
    return _field(0x0A, message.SerializeToString())


@cache
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
