"""One input → a damaged one: bytes changed blindly, or a protobuf field or JSON value changed with its lengths kept."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

Mutate = Callable[[random.Random, bytes, Sequence[bytes]], bytes]  # (rng, input, words to insert) → another input

MAX_BYTES = 256 << 10
INTERESTING = (0, 1, 0x0A, 0x10, 0x12, 0x18, 0x21, 0x2A, 0x32, 0x3A, 0x4A, 0x7F, 0x80, 0xFE, 0xFF)
VARINTS = (0, 1, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**70)
TEXTS = ("", "\0", "é€😀", "../../etc/passwd", "x" * 300, "1e999999999", "NaN", "-0", "0x1F", "²", "9" * 5000, "\ud800")
VALUES: tuple[Any, ...] = (None, True, [], {}, -1, 0, 2**63, 2**64, 10**30, 1e308, float("inf"), float("nan"), *TEXTS)


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


def sized(field: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def of_bytes(rng: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """The input after one to four blind changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        i, size = rng.randrange(len(data) + 1), rng.randrange(1, 12)
        data = rng.choice(_CHANGES)(rng, data, i, size, words)
    return data[:MAX_BYTES]


_CHANGES: tuple[Callable[[random.Random, bytes, int, int, Sequence[bytes]], bytes], ...] = (
    lambda rng, data, i, size, words: data[:i],
    lambda rng, data, i, size, words: data[:i] + bytes([rng.randrange(256)]) + data[i + 1 :],
    lambda rng, data, i, size, words: data[:i] + bytes([rng.choice(INTERESTING)]) + data[i + 1 :],
    lambda rng, data, i, size, words: data[:i] + bytes([(data[i : i + 1] or b"\0")[0] ^ 1 << size % 8]) + data[i + 1 :],
    lambda rng, data, i, size, words: data[:i] + data[i + size :],
    lambda rng, data, i, size, words: data[:i] + rng.randbytes(size) + data[i:],
    lambda rng, data, i, size, words: data[:i] + b"\xff" * size + data[i:],
    lambda rng, data, i, size, words: data[: i + 8 * size] + data[i:],
    lambda rng, data, i, size, words: data[:i] + data[i : i + size] * rng.choice((2, 9, 99)) + data[i + size :],
    lambda rng, data, i, size, words: data[:i] + varint(rng.choice(VARINTS)) + data[i + rng.randrange(3) :],
    lambda rng, data, i, size, words: data[:i] + rng.choice(VARINTS[:8]).to_bytes(8, "big")[4:] + data[i + 4 :],
    lambda rng, data, i, size, words: data[:i] + rng.choice(words or (b"",)) + data[i + rng.randrange(size) :],
)


def of_protobuf(rng: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """The request with one field, at any level, lost, repeated, moved or of another value; blindly now and then."""
    if rng.random() < 0.3:
        return of_bytes(rng, data, words)
    changed = _with_changed_field(rng, data, words, 0)
    return (of_bytes(rng, data, words) if changed is None else changed)[:MAX_BYTES]


def _with_changed_field(rng: random.Random, data: bytes, words: Sequence[bytes], level: int) -> bytes | None:
    """None when the bytes are no message."""
    fields = _fields(data)
    if not fields:
        return None
    i = rng.randrange(len(fields))
    number, wire_type, value = fields[i]
    inner = _with_changed_field(rng, value, words, level + 1) if wire_type == 2 and rng.random() < 0.85 else None
    if inner is not None:
        fields[i] = number, wire_type, inner
    else:
        fields[i : i + 1] = rng.choice(_FIELD_CHANGES)(rng, fields, i, words)
    return b"".join(map(_encoded, fields))


Field = tuple[int, int, bytes]  # (number, wire type, bytes after tag and length)
_FIELD_CHANGES: tuple[Callable[[random.Random, list[Field], int, Sequence[bytes]], list[Field]], ...] = (
    lambda rng, fields, i, words: [],
    lambda rng, fields, i, words: [fields[i]] * rng.choice((2, 3, 40)),
    lambda rng, fields, i, words: [rng.choice(fields), fields[i]],
    lambda rng, fields, i, words: [(rng.randrange(1, 21), *fields[i][1:])],
    lambda rng, fields, i, words: [(fields[i][0], 0, varint(rng.choice(VARINTS)))],
    lambda rng, fields, i, words: [(fields[i][0], 1, rng.choice((bytes(8), b"\xff" * 8, rng.randbytes(8))))],
    lambda rng, fields, i, words: [(fields[i][0], 2, rng.choice(words or (b"\xff",)))],
    lambda rng, fields, i, words: [(fields[i][0], 2, of_bytes(rng, fields[i][2], words))],
    lambda rng, fields, i, words: [(fields[i][0], 2, nested(rng.choice((2, 9, 27, 31, 33, 60)), rng.choice((5, 6))))],
    lambda rng, fields, i, words: [(rng.choice((99, 2**28)), 3, b"\x08\x01" + varint(rng.choice((99, 98)) << 3 | 4))],
)


def nested(levels: int, field: int = 5) -> bytes:
    """An AnyValue inside that many arrays (field 5) or key-value lists (field 6)."""
    value = sized(1, b"deep")
    for _ in range(levels):
        value = sized(field, sized(1, value if field == 5 else sized(1, b"k") + sized(2, value)))
    return value


def _encoded(field: Field) -> bytes:
    number, wire_type, value = field
    return varint(number << 3 | wire_type) + (varint(len(value)) if wire_type == 2 else b"") + value


def _fields(data: bytes) -> list[Field]:
    """Fields of a message; [] for bytes that are none (groups are not looked into)."""
    fields, at = [], 0
    while at < len(data):
        tag, at = read_varint(data, at)
        start, wire_type = at, tag & 7
        if wire_type == 2:
            size, start = read_varint(data, at)
        else:
            size = read_varint(data, at)[1] - at if wire_type == 0 else {1: 8, 5: 4}.get(wire_type, -1)
        at = start + size
        if tag < 8 or size < 0 or at > len(data):
            return []
        fields.append((tag >> 3, wire_type, data[start:at]))
    return fields


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, position after it); a position beyond the end when there is none."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    return value, len(data) + 1


def of_json(rng: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """The document with one value, at any level, lost, repeated, renamed or replaced; blindly now and then."""
    if rng.random() < 0.3:
        return of_bytes(rng, data, words)
    try:
        return json.dumps(_changed(rng, json.loads(data))).encode()[:MAX_BYTES]
    except (ValueError, RecursionError):
        return of_bytes(rng, data, words)


def _changed(rng: random.Random, value: Any) -> Any:
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return _replaced(rng, value)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    if rng.random() < 0.75:
        value[key] = _changed(rng, value[key])
    elif rng.random() < 0.4:
        del value[key]
    elif isinstance(value, list):
        value[key:key] = [value[key]] * rng.choice((1, 2, 40))
    else:
        value[rng.choice((*value, *TEXTS))] = value[key]
    return value


def _replaced(rng: random.Random, value: Any) -> Any:
    if rng.random() < 0.7:
        return rng.choice(VALUES)
    for _ in range(rng.choice((1, 2, 30, 110, 400))):
        value = rng.choice(([value], {"arrayValue": {"values": [value]}}, {"a": value}))
    return value
