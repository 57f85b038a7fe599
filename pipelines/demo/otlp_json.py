"""Export requests as OTLP/JSON: ids in hex, 64-bit numbers as text, enums as numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import orjson

from pipelines.demo.otlp import Item, Log, Span, Value, grouped


def json_request(items: Iterable[Item], signal: str) -> bytes:
    """An ExportTraceServiceRequest or ExportLogsServiceRequest as JSON bytes."""
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


_pairs: dict[tuple[str, Value, type], dict[str, Any]] = {}


def _json_pair(key: str, value: Value) -> dict[str, Any]:
    """A KeyValue, made once per distinct pair; the type is in the key because 1 == True == 1.0."""
    memo = (key, value, value.__class__)
    found = _pairs.get(memo)
    if found is None:
        found = _pairs[memo] = {"key": key, "value": _json_value(value)}
    return found


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
