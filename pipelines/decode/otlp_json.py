"""OTLP/JSON → OTLP protobuf bytes, by tables made from the official descriptors.

Read as the OTLP specification says: ids in hex, 64-bit integers as numbers or text, enums as numbers (names too),
lowerCamelCase names (the original ones too), bytes in base64, null as absent, unknown names ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from pipelines.decode import messages
from pipelines.decode.json_values import HEX_IDS, LENGTH, SCALARS, SHORT_VARINTS, BadValue, enum, hex_id, string, varint
from pipelines.errors import BadMessage
from pipelines.payloads import Signal

_MAX_LEVELS = 100  # messages inside messages, as protobuf's own parsers allow
_TOP_LEVEL: dict[str, Signal] = {
    "resourceSpans": "traces",
    "resource_spans": "traces",
    "resourceLogs": "logs",
    "resource_logs": "logs",
    "resourceMetrics": "metrics",
    "resource_metrics": "metrics",
}

Encoder = Callable[[Any, int], bytes]  # (JSON value, level) → tag and value on the wire


def to_protobuf(signal: Signal, data: bytes) -> bytes:
    """The same request in protobuf. Raises BadMessage("bad_json") naming the JSON path, never a value."""
    document = _parse(data)
    if not isinstance(document, dict):
        raise BadMessage("bad_json", "the document is not a JSON object")
    if document and {found for name, found in _TOP_LEVEL.items() if name in document} != {signal}:
        raise BadMessage("bad_json", f"the document does not hold {signal} and nothing else")
    try:
        return _message(_fields(messages.OFFICIAL[signal].DESCRIPTOR), document, 0)
    except BadValue as error:
        raise BadMessage("bad_json", f"{''.join(reversed(error.path)).lstrip('.')}: not {error}") from None


def _parse(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return _parse_repaired(data, error)


_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _parse_repaired(data: bytes, error: orjson.JSONDecodeError) -> object:
    """The document when only its text is bad: bytes that are not UTF-8, half of a surrogate pair."""
    where = f"not JSON at line {error.lineno} column {error.colno}"
    try:
        text = data.decode()
        if not _LONE_SURROGATE.search(data):
            raise BadMessage("bad_json", where)
    except UnicodeDecodeError:
        text = data.decode(errors="surrogateescape")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as second:
        raise BadMessage("bad_json", f"not JSON at line {second.lineno} column {second.colno}") from None
    except (RecursionError, ValueError):
        raise BadMessage("bad_json", where) from None


def _no_constant(_name: str) -> None:
    raise ValueError("NaN and Infinity are no JSON numbers; OTLP writes them as text")


@cache
def _fields(message: Descriptor) -> dict[str, Encoder]:
    """Encoder of each field of a message, by either of its names in JSON."""
    return _fill({}, message)


def _fill(tables: dict[str, dict[str, Encoder]], message: Descriptor) -> dict[str, Encoder]:
    """The table of a message, from `tables` if it is there: messages may contain themselves."""
    if message.full_name not in tables:
        by_name = tables[message.full_name] = {}
        for field in message.fields:
            by_name[field.json_name] = by_name[field.name] = _encoder(tables, field)
    return tables[message.full_name]


def _encoder(tables: dict[str, dict[str, Encoder]], field: FieldDescriptor) -> Encoder:
    single: Encoder
    if field.message_type is not None:
        single = partial(_submessage, _tag(field, LENGTH), _fill(tables, field.message_type))
    elif field.type == FieldDescriptor.TYPE_STRING:
        single = partial(string, _tag(field, LENGTH))
    else:
        wire_type, convert = SCALARS[field.type]
        if field.name in HEX_IDS:
            convert = hex_id
        elif field.enum_type is not None:
            convert = partial(enum, {value.name: value.number for value in field.enum_type.values})
        single = partial(_scalar, _tag(field, wire_type), convert)
    return partial(_repeated, single) if field.is_repeated else single


def _tag(field: FieldDescriptor, wire_type: int) -> bytes:
    return varint(field.number << 3 | wire_type)


def _message(fields: Mapping[str, Encoder], content: object, level: int) -> bytes:
    if not isinstance(content, dict):
        raise BadValue("an object")
    if level > _MAX_LEVELS:
        raise BadValue(f"an object within {_MAX_LEVELS} levels")
    encoded = b""
    for name, value in content.items():
        if value is not None and (encode := fields.get(name)) is not None:
            try:
                encoded += encode(value, level)
            except BadValue as error:
                error.path.append(f".{name}")
                raise
    return encoded


def _submessage(tag: bytes, fields: Mapping[str, Encoder], value: object, level: int) -> bytes:
    encoded = _message(fields, value, level + 1)
    size = len(encoded)
    return tag + (SHORT_VARINTS[size] if size < 128 else varint(size)) + encoded


def _repeated(single: Encoder, values: object, level: int) -> bytes:
    if not isinstance(values, list):
        raise BadValue("a list")
    parts = []
    for value in values:
        try:
            parts.append(single(value, level))
        except BadValue as error:
            error.path.append(f"[{len(parts)}]")
            raise
    return b"".join(parts)


def _scalar(tag: bytes, convert: Callable[[Any], bytes], value: object, _level: int) -> bytes:
    return tag + convert(value)
