"""One OTLP request and where it came from: the unit that every source yields and decode/ reads. Pure."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

Signal = Literal["traces", "logs", "metrics"]
Encoding = Literal["protobuf", "json"]
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")

_JSON_SIGNALS: dict[bytes, Signal] = {
    b"resourceSpans": "traces",
    b"resource_spans": "traces",
    b"resourceLogs": "logs",
    b"resource_logs": "logs",
    b"resourceMetrics": "metrics",
    b"resource_metrics": "metrics",
}
_JSON_START = re.compile(rb'(?:\xef\xbb\xbf)?[ \t\r\n]*\{[ \t\r\n]*(?:"([^"\x00-\x1f]*)"[ \t\r\n]*:|\})')

# (field number, wire type) that only one of Span, LogRecord and Metric has, in opentelemetry-proto
_VARINT, _FIXED64, _LEN, _FIXED32 = 0, 1, 2, 5
_ONLY_IN: dict[tuple[int, int], Signal] = {
    **dict.fromkeys([(4, _LEN), (6, _VARINT), (7, _FIXED64), (8, _FIXED64), (10, _VARINT), (12, _VARINT)], "traces"),
    **dict.fromkeys([(13, _LEN), (14, _VARINT), (15, _LEN), (16, _FIXED32)], "traces"),
    **dict.fromkeys([(1, _FIXED64), (2, _VARINT), (6, _LEN), (7, _VARINT), (8, _FIXED32), (11, _FIXED64)], "logs"),
    (7, _LEN): "metrics",
}
_TRACE_ID_BYTES = 16
_MAX_ITEMS_LOOKED_AT = 64


def payload_id(data: bytes) -> str:
    """Identity of a request: SHA-256 of its uncompressed bytes, 32 hex digits. Retries and redeliveries share it."""
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Payload:
    """One OTLP export request, uncompressed.

    `data` is the bytes as sent (protobuf, or JSON when `encoding` is "json"); `receive_time_us` is µs since
    1970-01-01 UTC, given by the source (file, object or publish time, of which `is_published` is the last), never by a
    clock in the pipeline.
    A replayed row keeps the `payload_id` of the request it came from, and starts at `first_row_ordinal`.
    """

    signal: Signal
    data: bytes
    encoding: Encoding
    payload_id: str
    receive_time_us: int
    source: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    first_row_ordinal: int = 0
    attempt: int = 0
    is_published: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that are no payload: why not, and how to read them again in pieces, however many they are.

    `encoding` is "raw" for a stretch of a file as it lies there, compressed or not; `payload_id` is None when the
    bytes are not one whole message.
    """

    reason: str
    error_text: str
    pieces: Callable[[int], Iterator[bytes]]
    encoding: str
    payload_id: str | None
    receive_time_us: int
    source: str
    attempt: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    is_published: bool = False


def in_pieces(data: bytes, piece_bytes: int) -> Iterator[bytes]:
    yield from (data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes))


def is_json(head: bytes) -> bool:
    """Whether bytes start as a JSON object does. A protobuf request may start with the same b"\\n{", hence the key."""
    return _JSON_START.match(head) is not None


def json_signal(data: bytes) -> Signal | None:
    """Signal of an OTLP/JSON request by its top-level key; None when no key tells. Broken JSON may still tell."""
    start = _JSON_START.match(data)
    if start and start[1] in _JSON_SIGNALS:
        return _JSON_SIGNALS[start[1]]
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    keys = document if isinstance(document, dict) else ()
    return next((signal for key, signal in _JSON_SIGNALS.items() if key.decode() in keys), None)


def protobuf_signal(data: bytes) -> Signal | None:
    """Signal of a protobuf request by the fields of its first items; None without any. A broken one may still tell."""
    likely: Signal | None = None
    for fields in _items(memoryview(data)):
        only = next((_ONLY_IN[tag] for tag in fields if tag in _ONLY_IN), None)
        if only:
            return only
        likely = likely or _likely(fields)
    return likely


def _likely(fields: dict[tuple[int, int], int]) -> Signal | None:
    """Signal of an item that has only fields of length: a span has ids, a metric a name, a log record neither."""
    first = fields.get((1, _LEN))
    if first is None:
        return "logs" if (5, _LEN) in fields else None
    return "traces" if first == _TRACE_ID_BYTES and fields.get((2, _LEN)) == _TRACE_ID_BYTES // 2 else "metrics"


def _items(request: memoryview) -> Iterator[dict[tuple[int, int], int]]:
    """{(field, wire type): byte length} of the first spans, log records or metrics: request.1.2.2 in all three."""
    looked_at = 0
    for resource_tag, resource in _fields(request):
        for scope_tag, scope in _fields(resource) if resource_tag == (1, _LEN) else ():
            for item_tag, item in _fields(scope) if scope_tag == (2, _LEN) else ():
                if item_tag == (2, _LEN):
                    yield {tag: len(value) for tag, value in _fields(item)}
                    looked_at += 1
                if looked_at == _MAX_ITEMS_LOOKED_AT:
                    return


def _fields(message: memoryview) -> Iterator[tuple[tuple[int, int], memoryview]]:
    """((field, wire type), value bytes) of a message, until its end or the first byte that is no field."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        wire_type = tag & 7
        if wire_type == _LEN:
            size, at = _varint(message, at)
        elif wire_type == _VARINT:
            _, after = _varint(message, at)
            size = after - at
        elif wire_type in (_FIXED64, _FIXED32):
            size = 8 if wire_type == _FIXED64 else 4
        else:
            return
        if tag < 8 or at > end:
            return
        yield (tag >> 3, wire_type), message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """(value, position after it); a position beyond the end when the message stops inside it."""
    if at < len(message) and message[at] < 0x80:
        return message[at], at + 1
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    return value, len(message) + 1
