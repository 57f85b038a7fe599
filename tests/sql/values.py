"""Python values and zetasql's typed values, both ways: INT64 int, FLOAT64 float, NUMERIC Decimal, TIMESTAMP aware
datetime in UTC, DATE date, ARRAY list, STRUCT dict, NULL None."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2 as types
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
NAMES = {
    types.TYPE_INT64: "INT64",
    types.TYPE_STRING: "STRING",
    types.TYPE_BOOL: "BOOL",
    types.TYPE_DOUBLE: "FLOAT64",
    types.TYPE_BYTES: "BYTES",
    types.TYPE_DATE: "DATE",
    types.TYPE_TIMESTAMP: "TIMESTAMP",
    types.TYPE_DATETIME: "DATETIME",
    types.TYPE_TIME: "TIME",
    types.TYPE_NUMERIC: "NUMERIC",
    types.TYPE_BIGNUMERIC: "BIGNUMERIC",
    types.TYPE_JSON: "JSON",
    types.TYPE_INTERVAL: "INTERVAL",
}


def type_name(kind: types.TypeProto) -> str:
    """GoogleSQL text of a type, as in `ARRAY<STRUCT<key STRING, value STRING>>`."""
    if kind.type_kind == types.TYPE_ARRAY:
        return f"ARRAY<{type_name(kind.array_type.element_type)}>"
    if kind.type_kind == types.TYPE_STRUCT:
        fields = (f"{f.field_name} {type_name(f.field_type)}".strip() for f in kind.struct_type.field)
        return f"STRUCT<{', '.join(fields)}>"
    return NAMES[kind.type_kind]


def to_value(value: Any, kind: types.TypeProto) -> ValueProto:
    """Typed value of a Python value."""
    if value is None:
        return ValueProto()
    if kind.type_kind == types.TYPE_ARRAY:
        element = kind.array_type.element_type
        return ValueProto(array_value={"element": [to_value(each, element) for each in value]})
    if kind.type_kind == types.TYPE_STRUCT:
        fields = kind.struct_type.field
        return ValueProto(struct_value={"field": [to_value(value[f.field_name], f.field_type) for f in fields]})
    return ENCODERS[kind.type_kind](value)


def from_value(value: ValueProto, kind: types.TypeProto) -> Any:
    """Python value of a typed value. A field without a name is called by its place, `_0`."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    if kind.type_kind == types.TYPE_ARRAY:
        return [from_value(each, kind.array_type.element_type) for each in value.array_value.element]
    if kind.type_kind == types.TYPE_STRUCT:
        cells = zip(kind.struct_type.field, value.struct_value.field, strict=True)
        return {f.field_name or f"_{i}": from_value(cell, f.field_type) for i, (f, cell) in enumerate(cells)}
    decode = DECODERS.get(kind.type_kind)
    return decode(value) if decode else getattr(value, which)


def _timestamp(value: dt.datetime) -> ValueProto:
    seconds, micros = divmod((value - EPOCH) // MICROSECOND, 1_000_000)
    return ValueProto(timestamp_value={"seconds": seconds, "nanos": micros * 1000})


def _from_timestamp(value: ValueProto) -> dt.datetime:
    stamp = value.timestamp_value
    return EPOCH + dt.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def _numeric(value: Decimal) -> ValueProto:
    with localcontext(prec=60):
        scaled = int(value.scaleb(9))
    return ValueProto(numeric_value=scaled.to_bytes(scaled.bit_length() // 8 + 1, "little", signed=True))


def _from_numeric(data: bytes, places: int) -> Decimal:
    with localcontext(prec=90):
        return Decimal(int.from_bytes(data, "little", signed=True)).scaleb(-places)


ENCODERS: dict[int, Callable[[Any], ValueProto]] = {
    types.TYPE_INT64: lambda v: ValueProto(int64_value=v),
    types.TYPE_STRING: lambda v: ValueProto(string_value=v),
    types.TYPE_BOOL: lambda v: ValueProto(bool_value=v),
    types.TYPE_DOUBLE: lambda v: ValueProto(double_value=v),
    types.TYPE_BYTES: lambda v: ValueProto(bytes_value=v),
    types.TYPE_DATE: lambda v: ValueProto(date_value=(v - EPOCH.date()).days),
    types.TYPE_TIMESTAMP: _timestamp,
    types.TYPE_NUMERIC: _numeric,
}
DECODERS: dict[int, Callable[[ValueProto], Any]] = {
    types.TYPE_DATE: lambda v: EPOCH.date() + dt.timedelta(days=v.date_value),
    types.TYPE_TIMESTAMP: _from_timestamp,
    types.TYPE_NUMERIC: lambda v: _from_numeric(v.numeric_value, 9),
    types.TYPE_BIGNUMERIC: lambda v: _from_numeric(v.bignumeric_value, 38),
}
