"""Damages that the fast kernel reads and protobuf refuses (tests/decode/test_kernel_hostile.py), found exactly.

A request that only the plain decoder refuses must have one of them; anything else is a difference between the two.
"""

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from pipelines.decode import messages
from pipelines.payloads import Signal
from tests.fuzz.mutations import read_varint

_FIXED_BYTES = {1: 8, 5: 4}
_START_GROUP, _END_GROUP = 3, 4
_FIXED64 = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64}


def damage(signal: Signal, data: bytes) -> str | None:
    """First of the known damages in a request."""
    return _in_message(messages.OFFICIAL[signal].DESCRIPTOR, data)


def _in_message(message: Descriptor, data: bytes) -> str | None:
    at, groups = 0, []
    while at < len(data):
        tag, start = read_varint(data, at)
        if tag >= 1 << 32 or start - at > 5:
            return "tag of more than 32 bits"
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _START_GROUP:
            groups.append(number)
        elif wire_type == _END_GROUP and (not groups or groups.pop() != number):
            return "group that another number ends"
        value, at = _value(data, start, wire_type)
        field = None if groups else message.fields_by_number.get(number)
        if field is not None and wire_type == 2 and (found := _in_field(field, value)):
            return found
    return None


def _value(data: bytes, start: int, wire_type: int) -> tuple[bytes, int]:
    """(bytes of a length-delimited value, else nothing; position after the field)."""
    if wire_type == 2:
        size, start = read_varint(data, start)
        return data[start : start + size], start + size
    if wire_type == 0:
        return b"", read_varint(data, start)[1]
    return b"", start + _FIXED_BYTES.get(wire_type, 0)


def _in_field(field: FieldDescriptor, value: bytes) -> str | None:
    if field.message_type is not None:
        return _in_message(field.message_type, value)
    if field.is_repeated and field.type in _FIXED64 and len(value) % 8:
        return "packed list cut inside a number"
    return None
