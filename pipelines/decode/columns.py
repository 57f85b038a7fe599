"""Column building blocks: numpy codes and Arrow buffers, never a Python loop per row."""

import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.decode.wire import Arrow, Int32s, Unusual, offsets

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]
UInt8s = npt.NDArray[np.uint8]

STRING = pa.string()
MICROSECONDS = pa.timestamp("us", tz="UTC")
_ASCII_END = 128
MAX_INT64 = np.uint64(2**63 - 1)


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column: codes into `values` (a string array, in which a text may repeat); -1 is NULL."""

    codes: Int32s
    values: Arrow
    are_distinct: bool = True

    def arranged(self, arrange: Callable[[Int32s], Int32s]) -> "Coded":
        """The same values with the codes put into another order, or repeated."""
        return Coded(arrange(self.codes), self.values, self.are_distinct)

    def repeat(self, counts: Int32s) -> "Coded":
        """Element i `counts[i]` times."""
        return self.arranged(lambda codes: np.repeat(codes, counts))

    def array(self) -> Arrow:
        """Dictionary array with these very values."""
        return dictionary(self.codes, self.values)

    def texts(self) -> Arrow:
        """Plain string array."""
        return self.values.take(array_of(pa.int32(), self.codes, self.codes >= 0))

    def distinct(self) -> "Coded":
        """The same column over values of which none repeats."""
        if self.are_distinct:
            return self
        encoded = self.values.dictionary_encode()
        return Coded(remap(self.codes, encoded.indices.to_numpy()), encoded.dictionary)

    def compact(self) -> "Coded":
        """The same column over the values that occur in it, each once."""
        codes, values = over_used(self.codes, self.values)
        return Coded(codes, values, self.are_distinct).distinct()


def dictionary(codes: Int32s, values: Arrow) -> Arrow:
    """Dictionary array of int32 codes (-1 is NULL) over values."""
    bits = None
    if codes.min(initial=0) < 0:
        bits, codes = bitmap(codes >= 0), np.maximum(codes, 0)
    indices = pa.Array.from_buffers(pa.int32(), len(codes), [bits, buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, values, safe=False)


def remap(codes: Int32s, new_codes: Int32s) -> Int32s:
    """`new_codes[code]` of each code; -1 stays -1."""
    return np.append(new_codes, np.int32(-1)).take(codes, mode="wrap")


def over_used(codes: Int32s, values: Arrow) -> tuple[Int32s, Arrow]:
    """The codes renumbered over the values that they use, in value order."""
    is_used = np.zeros(len(values) + 1, bool)
    is_used[codes] = True
    used = np.flatnonzero(is_used[:-1])
    new_codes = np.empty(len(values), np.int32)
    new_codes[used] = np.arange(len(used), dtype=np.int32)
    return remap(codes, new_codes), values.take(pa.array(used))


def buffer(values: Any) -> pa.Buffer:
    """Arrow buffer over the memory of a numpy array or bytes."""
    memory: Any = np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values
    return pa.py_buffer(memory)


def combined(columns: Sequence[Coded]) -> tuple[list[Arrow], Int32s]:
    """(texts of each of two columns or more in the distinct combinations of them, code of each row's combination)."""
    row_count = len(columns[0].codes)
    codes = columns[0].codes + np.int32(1)
    for column in columns[1:]:
        keys = codes * np.int64(len(column.values) + 1) + column.codes + 1
        encoded: Arrow = pa.array(keys).dictionary_encode()
        codes = encoded.indices.to_numpy()
    first_rows = np.zeros(int(codes.max(initial=-1)) + 1, np.int64)
    first_rows[codes[::-1]] = np.arange(row_count)[::-1]
    return [column.arranged(lambda all_rows: all_rows.take(first_rows)).texts() for column in columns], codes


def bitmap(mask: Bools) -> pa.Buffer:
    """Arrow validity bitmap; True is present."""
    return buffer(np.packbits(mask, bitorder="little"))


def array_of(kind: pa.DataType, values: npt.NDArray[np.generic], present: Bools | None = None) -> Arrow:
    """Arrow array of a fixed-width type around a numpy array of its physical type; absent elements are NULL."""
    bits = None if present is None or present.all() else bitmap(present)
    return pa.Array.from_buffers(kind, len(values), [bits, buffer(values)])


def booleans(mask: Bools) -> Arrow:
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, bitmap(mask)])


def lists(starts: Int32s, values: Arrow) -> Arrow:
    """List array with the schema's element name."""
    kind = pa.list_(pa.field("element", values.type))
    return pa.Array.from_buffers(kind, len(starts) - 1, [None, buffer(starts)], children=[values])


def structs(fields: Mapping[str, Arrow]) -> Arrow:
    return pa.StructArray.from_arrays(list(fields.values()), list(fields))


def utf8(binary: Arrow) -> Arrow:
    """The bytes as text. Raises Unusual where they are not UTF-8: repairing and counting them is done elsewhere."""
    if _data(binary).max(initial=0) < _ASCII_END:  # one pass over all bytes, not a check a text
        return binary.view(STRING)
    try:
        return binary.cast(STRING)
    except pa.ArrowInvalid:
        raise Unusual("invalid UTF-8") from None


def _data(binary: Arrow) -> UInt8s:
    """All bytes of a binary array."""
    starts = offsets(binary)
    return np.frombuffer(binary.buffers()[2] or b"", np.uint8)[starts[0] : starts[-1]]


def without_nulls(array: Arrow) -> Arrow:
    """A field of messages that may be absent: protobuf's default where they are."""
    if not array.null_count:
        return array
    return array.fill_null(b"" if pa.types.is_binary(array.type) else pa.scalar(0).cast(array.type))


def texts(binary: Arrow, *, null_empty: bool = True) -> Coded:
    """A bytes column as text, encoded once per distinct value; "" is NULL if asked."""
    encoded = without_nulls(binary).dictionary_encode()
    coded = Coded(encoded.indices.to_numpy(), utf8(encoded.dictionary))
    return empty_as_null(coded) if null_empty else coded


def empty_as_null(column: Coded) -> Coded:
    """The column with NULL where the text is ""."""
    is_empty = np.diff(offsets(column.values)) == 0
    if not is_empty.any():
        return column
    new_codes = np.where(is_empty, np.int32(-1), np.arange(len(is_empty), dtype=np.int32))
    return Coded(remap(column.codes, new_codes), column.values, column.are_distinct)


def hex_texts(binary: Arrow) -> Arrow:
    """Lower-case hex of each id, "" for an empty one."""
    starts = offsets(binary)
    data = memoryview(binary.buffers()[2] or b"")[starts[0] : starts[-1]]
    digits = buffer(binascii.hexlify(data))
    return pa.StringArray.from_buffers(len(binary), buffer((starts - starts[0]) * 2), digits)


def sent_hex(binary: Arrow) -> Arrow:
    """Lower-case hex of each id, NULL for an empty one."""
    return hex_ids(binary, np.diff(offsets(binary)) > 0)


def series_hex(lanes: UInt64s) -> Arrow:
    """Dictionary of the 32 hex digits of each pair of lanes, an array (rows, 2)."""
    data, count = lanes.astype(">u8").tobytes(), len(lanes)
    encoded: Arrow = pa.Array.from_buffers(pa.binary(16), count, [None, buffer(data)]).dictionary_encode()
    return Coded(encoded.indices.to_numpy(), hex_texts(encoded.dictionary.cast(pa.binary()))).array()


def hex_ids(binary: Arrow, present: Bools) -> Arrow:
    """Lower-case hex of each id, NULL where it is not present."""
    plain = hex_texts(binary)
    if present.all():
        return plain
    return pa.StringArray.from_buffers(len(plain), plain.buffers()[1], plain.buffers()[2], bitmap(present))


def id_state(binary: Arrow, id_bytes: int) -> tuple[Bools, Bools]:
    """(has other than `id_bytes` bytes, has no byte but zeros) of each id."""
    starts = offsets(binary)
    data = np.frombuffer(binary.buffers()[2] or b"", np.uint8)[: int(starts[-1])]
    is_missized = np.diff(starts) != id_bytes
    if not is_missized.any():
        words = data.view(np.uint64).reshape(-1, id_bytes // 8)
        return is_missized, np.asarray(reduce(np.bitwise_or, words.T) == 0, bool)
    nonzero_before = np.concatenate(([0], np.cumsum(data != 0)))
    return is_missized, np.asarray(np.diff(nonzero_before[starts]) == 0, bool)


def numbers(array: Arrow) -> npt.NDArray[np.generic]:
    """Numpy view of a fixed-width column, protobuf's default where the message is absent."""
    view: npt.NDArray[np.generic] = without_nulls(array).to_numpy(zero_copy_only=False)
    return view


def int64(array: Arrow) -> Arrow:
    """Number column of at most 32 bits as INT64."""
    return array_of(pa.int64(), numbers(array).astype(np.int64))


def unix_nanos(times_ns: UInt64s) -> Arrow:
    """ns as INT64; NULL for 0, OTLP's "unknown", and above 2^63-1."""
    return array_of(pa.int64(), times_ns.view(np.int64), is_known(times_ns))


def is_known(times_ns: UInt64s) -> Bools:
    return np.asarray((times_ns != 0) & (times_ns <= MAX_INT64), bool)


def nanoseconds(array: Arrow) -> UInt64s:
    """fixed64 times in ns since 1970-01-01 UTC; 0 is unknown."""
    return numbers(array).astype(np.uint64, copy=False)


def timestamps(times_ns: UInt64s) -> Arrow:
    """ns → TIMESTAMP truncated to µs; NULL for 0, OTLP's "unknown", and above 2^63-1."""
    return array_of(MICROSECONDS, (times_ns // np.uint64(1000)).view(np.int64), is_known(times_ns))


def enum_texts(array: Arrow, names: Sequence[str]) -> Coded:
    """Name of each enum number; a number without a name keeps its digits."""
    codes = numbers(array).astype(np.int32, copy=False)
    if not len(codes) or (codes.min() >= 0 and codes.max() < len(names)):
        return Coded(codes, pa.array(names, STRING))
    encoded: Arrow = pa.array(codes).dictionary_encode()
    named = [names[n] if 0 <= n < len(names) else str(n) for n in encoded.dictionary.to_pylist()]
    return Coded(encoded.indices.to_numpy(), pa.array(named, STRING))
