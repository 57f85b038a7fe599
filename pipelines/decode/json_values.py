"""One JSON value → the bytes of a protobuf field, without its tag. Raises BadValue where the field cannot hold it."""

import base64
import binascii
import re
import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from pipelines.decode import scalars

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types


class BadValue(ValueError):
    """A value that its field cannot hold. `path` grows from the inside out: the names and indices that lead to it."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.path: list[str] = []


SHORT_VARINTS = [bytes([i]) for i in range(128)]


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def string(tag: bytes, value: object, _level: int) -> bytes:
    if type(value) is not str:
        raise BadValue("text")
    raw = value.encode() if value.isascii() else _utf8(value)
    size = len(raw)
    return tag + (SHORT_VARINTS[size] if size < 128 else varint(size)) + raw


_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _utf8(text: str) -> bytes:
    """UTF-8 of a text; a lone surrogate becomes a byte that is none, for decode to repair and count."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b"\xff".join(part.encode() for part in _SURROGATE.split(text))


def hex_id(value: object) -> bytes:
    try:
        raw = binascii.unhexlify(value if isinstance(value, str) else "-")
    except ValueError:
        raise BadValue("hex digits") from None
    return varint(len(raw)) + raw


def _base64(value: object) -> bytes:
    """Base64 in either alphabet, with or without padding."""
    try:
        text = value.rstrip("=") if isinstance(value, str) else "!"
        raw = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_" if {"-", "_"} & {*text} else None, validate=True
        )
    except ValueError:
        raise BadValue("base64") from None
    return varint(len(raw)) + raw


def _bool(value: object) -> bytes:
    if not isinstance(value, bool):
        raise BadValue("true or false")
    return b"\x01" if value else b"\x00"


def _double(value: object) -> bytes:
    number = scalars.to_float64(value) if isinstance(value, str) else value
    if isinstance(number, bool):
        raise BadValue("a number")
    try:
        return struct.pack("<d", number)
    except (struct.error, OverflowError):
        raise BadValue("a number") from None


def _integer(value: object, low: int, high: int) -> int:
    if type(value) is str:
        value = scalars.to_integer(value)
    elif type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not low <= value <= high:
        raise BadValue(f"an integer in {low}..{high}")
    return value


def _signed_varint(bits: int, value: object) -> bytes:
    return varint(_integer(value, -(1 << bits - 1), (1 << bits - 1) - 1) & (1 << 64) - 1)


def _unsigned_varint(bits: int, value: object) -> bytes:
    return varint(_integer(value, 0, (1 << bits) - 1))


def _zigzag32(value: object) -> bytes:
    number = _integer(value, -(1 << 31), (1 << 31) - 1)
    return varint(number << 1 ^ number >> 31)


def enum(numbers: Mapping[str, int], value: object) -> bytes:
    return _signed_varint(32, numbers.get(value, value) if isinstance(value, str) else value)


def _fixed(size: int, is_signed: bool, value: object) -> bytes:
    low = -(1 << 8 * size - 1) if is_signed else 0
    return _integer(value, low, low + (1 << 8 * size) - 1).to_bytes(size, "little", signed=is_signed)


HEX_IDS = {"trace_id", "span_id", "parent_span_id"}
SCALARS: dict[int, tuple[int, Callable[[Any], bytes]]] = {
    FieldDescriptor.TYPE_BYTES: (LENGTH, _base64),
    FieldDescriptor.TYPE_BOOL: (VARINT, _bool),
    FieldDescriptor.TYPE_DOUBLE: (FIXED64, _double),
    FieldDescriptor.TYPE_INT32: (VARINT, partial(_signed_varint, 32)),
    FieldDescriptor.TYPE_INT64: (VARINT, partial(_signed_varint, 64)),
    FieldDescriptor.TYPE_ENUM: (VARINT, partial(_signed_varint, 32)),
    FieldDescriptor.TYPE_UINT32: (VARINT, partial(_unsigned_varint, 32)),
    FieldDescriptor.TYPE_UINT64: (VARINT, partial(_unsigned_varint, 64)),
    FieldDescriptor.TYPE_SINT32: (VARINT, _zigzag32),
    FieldDescriptor.TYPE_FIXED32: (FIXED32, partial(_fixed, 4, False)),
    FieldDescriptor.TYPE_FIXED64: (FIXED64, partial(_fixed, 8, False)),
    FieldDescriptor.TYPE_SFIXED64: (FIXED64, partial(_fixed, 8, True)),
}
