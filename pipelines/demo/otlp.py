"""Spans and log records as plain tuples, on their way to a collector. otlp_protobuf.py and otlp_json.py write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

Value = str | bool | int | float | bytes | tuple[str, ...]
Attributes = Mapping[str, Value]

UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
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


def any_value(value: Value) -> AnyValue:
    """A value as OTLP's AnyValue, by its Python type."""
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=[any_value(v) for v in value]))
    return AnyValue(**{_ANY_FIELD[type(value)]: value})  # type: ignore[arg-type]


_ANY_FIELD = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
