"""One OTLP value → one cell: text of an AnyValue, typed columns, ids, enum names, times, hashes for series_id. Pure.

Counts are uint64 on the wire and INT64 in BigQuery. One above 2^63-1 leaves its column NULL; in a list, where BigQuery
has no NULL, the row is dead-lettered as count_out_of_range: clamping or wrapping it would be a made-up number.
"""

import base64
import hashlib
import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import orjson

SPAN_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUS_CODES = ("UNSET", "OK", "ERROR")
TEMPORALITIES = ("UNSPECIFIED", "DELTA", "CUMULATIVE")
METRIC_TYPES = {
    "gauge": "GAUGE",
    "sum": "SUM",
    "histogram": "HISTOGRAM",
    "exponential_histogram": "EXPONENTIAL_HISTOGRAM",
    "summary": "SUMMARY",
}  # member of Metric.data → metric_type

INT64_MAX = 2**63 - 1
_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,20})")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMERIC_STEP = Decimal("1e-9")
_NUMERIC_BOUND = Decimal("1e29")
_NUMERIC_DIGITS = 38
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def utf8(raw: bytes) -> str:
    """Text of a protobuf string, with U+FFFD where its bytes are not UTF-8."""
    return raw.decode("utf-8", "replace")


def hex_id(raw: bytes) -> str | None:
    """Lower-case hex digits of an id, whatever its length; None when it is empty."""
    return raw.hex() or None


def enum_text(names: tuple[str, ...], number: int) -> str:
    """Name of an enum number; a number that OTLP has not defined yet keeps its digits."""
    return names[number] if 0 <= number < len(names) else str(number)


def time_us(unix_nano: int) -> int | None:
    """µs since 1970 UTC, truncated (BigQuery's precision); None for 0, OTLP's "unknown", and above 2^63-1 ns."""
    return unix_nano // 1000 if 0 < unix_nano <= INT64_MAX else None


def int64(number: int) -> int | None:
    """A uint64 as INT64; None above 2^63-1."""
    return number if number <= INT64_MAX else None


def any_value_text(value: Any) -> str | None:
    """Text of an AnyValue whose strings are bytes (decode/messages.py).

    Strings as they are, numbers in their shortest form, true/false, bytes in base64, arrays and maps as compact JSON
    with the same texts for NaN and bytes inside. None when nothing is set, and for an index into a dictionary of
    strings, which only profiles have.
    """
    content = _json_value(value)
    return content if content is None or isinstance(content, str) else orjson.dumps(content).decode()


def _json_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else _JSON[kind](getattr(value, kind))


def _json_double(number: float) -> float | str:
    if math.isnan(number):
        return "NaN"
    return number if math.isfinite(number) else "Infinity" if number > 0 else "-Infinity"


_JSON: dict[str, Callable[[Any], Any]] = {
    "string_value": utf8,
    "bool_value": bool,
    "int_value": int,
    "double_value": _json_double,
    "array_value": lambda array: [_json_value(v) for v in array.values],
    "kvlist_value": lambda pairs: {utf8(pair.key): _json_value(pair.value) for pair in pairs.values},  # last one wins
    "bytes_value": lambda raw: base64.b64encode(raw).decode(),
    "string_value_strindex": lambda _index: None,
}


def to_integer(text: str) -> int | None:
    """`[+-]?digits` of at most 20 digits that count (all 64-bit integers have fewer), else None."""
    found = _INTEGER.fullmatch(text)
    return int(found[1] + found[2]) if found else None


def to_int64(text: str) -> int | None:
    """`[+-]?digits` within int64, else None."""
    number = to_integer(text)
    return number if number is not None and -(2**63) <= number <= INT64_MAX else None


def to_float64(text: str) -> float | None:
    """A decimal number that a double can hold, or NaN, Infinity, -Infinity; else None."""
    if text in _NON_FINITE:
        return _NON_FINITE[text]
    number = float(text) if _DECIMAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def to_numeric(text: str) -> Decimal | None:
    """A finite decimal number below 1e29, rounded half away from zero to 9 places; else None."""
    if not _DECIMAL.fullmatch(text):
        return None
    exact = Context(prec=len(text) + _NUMERIC_DIGITS, rounding=ROUND_HALF_UP, traps=[])
    number = exact.create_decimal(text)
    if not number.is_finite() or number.copy_abs() >= _NUMERIC_BOUND:
        return None
    rounded = number.quantize(_NUMERIC_STEP, context=exact)
    return rounded if rounded.copy_abs() < _NUMERIC_BOUND else None


# Type of a column → its reader; None means that the text is no value of that type.
TYPED: dict[str, Callable[[str], Any]] = {
    "STRING": str,
    "INT64": to_int64,
    "FLOAT64": to_float64,
    "NUMERIC": to_numeric,
}


def path_and_query(path: str | None, query: str | None) -> str | None:
    """Request target of a URL's path and query; the path alone without a query, None without a path."""
    return f"{path}?{query}" if path is not None and query else path


COMPOSE = {"path_and_query": path_and_query}


Lanes = tuple[int, int]
LANE_MASK = 2**64 - 1


def pair_hash(level: str, key: str, text: str | None) -> Lanes:
    """Two uint64 of one attribute pair; `level` is resource, scope or point."""
    return _lanes(level, key, text)


def scope_hash(name: str | None, version: str | None) -> Lanes:
    """Two uint64 of an instrumentation scope's name and version."""
    return _lanes("scope_header", name, version)


def metric_hash(
    name: str, unit: str | None, metric_type: str, temporality: str | None, is_monotonic: bool | None
) -> Lanes:
    """Two uint64 of what makes a metric, as its columns say it."""
    monotonic = None if is_monotonic is None else str(is_monotonic).lower()
    return _lanes("metric", name, unit, metric_type, temporality, monotonic)


def series_id(low: int, high: int) -> str:
    """32 hex digits of the two sums, each taken mod 2^64, of all hashes of a point (so that order does not matter)."""
    return f"{low & LANE_MASK:016x}{high & LANE_MASK:016x}"


def _lanes(*parts: str | None) -> Lanes:
    """blake2b of the parts, each with its length in bytes before it (2^64-1 for NULL), as two little-endian uint64."""
    encoded = bytearray()
    for part in parts:
        raw = b"" if part is None else part.encode()
        encoded += struct.pack("<Q", LANE_MASK if part is None else len(raw)) + raw
    low, high = struct.unpack("<QQ", hashlib.blake2b(encoded, digest_size=16).digest())
    return low, high
