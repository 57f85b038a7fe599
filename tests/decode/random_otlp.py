"""Random OTLP requests, made from the descriptors: every field of every message, unset, default, usual or extreme."""

import math
import random
import struct
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from pipelines.decode import messages
from pipelines.payloads import Signal

RECEIVE_NS = 1_760_000_030_000_000_000
_TEXTS = (
    "",
    "a",
    "GET",
    "/api/cart?q=1",
    "é€😀",
    "x" * 130,
    "user@example.com",
    "12",
    "1.5",
    "-7",
    "NaN",
    "y" * 20_000,
)
KEYS = (
    "http.method", "http.request.method", "http.status_code", "service.name", "user.id", "url.path", "url.query", "",
    "order.total", "page.load_time", "sampling.adjusted_count", "http.request.header.cookie", "event.name", "k" * 160,
)  # fmt: skip
_ODD_IDS = (b"", bytes(8), bytes(16), b"\x00" * 15, b"abc", b"\x05" * 17)
_ODD_TIMES_NS = (0, 1, RECEIVE_NS + 10**15, RECEIVE_NS - 10**18, 2**63 - 1, 2**63, 2**64 - 1)
_STATES = ("", "ot=th:8", "ot=p:3", "ot=th:zz;p:2", "rojo=00f067aa0ba902b7,ot=th:fff")
_EDGES = {64: (0, 1, 127, 128, 2**31, 2**63 - 1), 32: (0, 1, 127, 128, 2**31 - 1)}
_MAX_LEVELS = 14
_T = FieldDescriptor

Draw = Callable[[random.Random], Any]


def random_request(rng: random.Random, signal: Signal) -> bytes:
    """A serialised request: up to three of each repeated message, most fields set, most rows good."""
    message = messages.OFFICIAL[signal]()
    _fill(rng, message, 0)
    serialised: bytes = message.SerializeToString()
    return serialised


def random_any_value(rng: random.Random) -> AnyValue:
    """An attribute's value of any kind, often with others inside."""
    value = AnyValue()
    _fill(rng, value, 3)
    return value


def _fill(rng: random.Random, message: Any, level: int) -> None:
    oneofs = [oneof for oneof in message.DESCRIPTOR.oneofs if len(oneof.fields) > 1]  # an `optional` field has its own
    chosen = {rng.choice(oneof.fields).name if rng.random() < 0.95 else "" for oneof in oneofs}
    for field in message.DESCRIPTOR.fields:
        is_wanted = field.name in chosen if field.containing_oneof in oneofs else rng.random() < 0.9
        if is_wanted and field.type == _T.TYPE_MESSAGE:
            _fill_field(rng, message, field, level)
        elif is_wanted:
            _set(rng, message, field)


def _fill_field(rng: random.Random, message: Any, field: FieldDescriptor, level: int) -> None:
    if level >= _MAX_LEVELS:
        return
    if field.is_repeated:
        for _ in range(rng.choice((0, 1, 1, 2, 3)) if level < 6 else rng.choice((0, 1))):
            _fill(rng, getattr(message, field.name).add(), level + 1)
    else:
        getattr(message, field.name).SetInParent()
        _fill(rng, getattr(message, field.name), level + 1)


def _set(rng: random.Random, message: Any, field: FieldDescriptor) -> None:
    draw = _draw_time if field.name.endswith("_unix_nano") else _BY_NAME.get(field.name, _BY_TYPE[field.type])
    if field.is_repeated:
        getattr(message, field.name).extend(draw(rng) for _ in range(rng.randrange(4)))
    else:
        setattr(message, field.name, draw(rng))


def _draw_time(rng: random.Random) -> int:
    return RECEIVE_NS - rng.randrange(10**12) if rng.random() < 0.92 else rng.choice(_ODD_TIMES_NS)


def _draw_id(id_bytes: int) -> Draw:
    return lambda rng: bytes([rng.randrange(1, 4)]) * id_bytes if rng.random() < 0.95 else rng.choice(_ODD_IDS)


def _draw_of(choices: Sequence[Any]) -> Draw:
    return lambda rng: rng.choice(choices)


def _draw_integer(low: int, high: int) -> Draw:
    edges = [n for n in (*_EDGES[64], *_EDGES[32], low, high) if low <= n <= high]
    return lambda rng: rng.choice(edges) if rng.random() < 0.5 else rng.randint(low, high)


def _draw_count(rng: random.Random) -> int:
    return rng.randrange(1000) if rng.random() < 0.98 else rng.choice((2**63 - 1, 2**63, 2**64 - 1))


def _draw_double(rng: random.Random) -> float:
    if rng.random() < 0.3:
        return rng.choice((0.0, -0.0, 1.5, 1e16, 5e-324, 1e22, math.inf, -math.inf, math.nan))
    number: float = struct.unpack("<d", rng.randbytes(8))[0]
    return number


def _draw_text(rng: random.Random) -> str:
    return (
        rng.choice(_TEXTS) if rng.random() < 0.8 else chr(rng.choice((0, 9, 34, 92, 0x7F, 0xE9, 0x20AC, 0x1F600))) * 3
    )


_BY_NAME: dict[str, Draw] = {
    "key": _draw_of(KEYS),
    "trace_id": _draw_id(16),
    "span_id": _draw_id(8),
    "parent_span_id": _draw_id(8),
    "trace_state": _draw_of(_STATES),
}
_BY_TYPE: dict[int, Draw] = {
    _T.TYPE_STRING: _draw_text,
    _T.TYPE_BYTES: lambda rng: rng.randbytes(rng.randrange(5)),
    _T.TYPE_BOOL: _draw_of((True, False)),
    _T.TYPE_DOUBLE: _draw_double,
    _T.TYPE_INT64: _draw_integer(-(2**63), 2**63 - 1),
    _T.TYPE_SFIXED64: _draw_integer(-(2**63), 2**63 - 1),
    _T.TYPE_UINT64: _draw_count,
    _T.TYPE_FIXED64: _draw_count,
    _T.TYPE_INT32: _draw_integer(-(2**31), 2**31 - 1),
    _T.TYPE_SINT32: _draw_integer(-(2**31), 2**31 - 1),
    _T.TYPE_UINT32: _draw_integer(0, 2**32 - 1),
    _T.TYPE_FIXED32: _draw_integer(0, 2**32 - 1),
    _T.TYPE_ENUM: lambda rng: rng.randrange(-1, 8),
}
