"""Scalar AnyValue bytes → text, vectorised for the usual encodings; any value by the exact decoder, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from google.protobuf.message import DecodeError

from pipelines.decode import messages, scalars
from pipelines.decode.columns import STRING, Bools, UInt8s, array_of, buffer, utf8
from pipelines.decode.wire import Arrow, Int32s, Unusual, offsets

PADDING_BYTES = 16  # so that a header may be read at the very end of the data
STRING_TAG, _BOOL_TAG, _INT_TAG, DOUBLE_TAG = 0x0A, 0x10, 0x18, 0x21  # opentelemetry-proto common.proto, AnyValue
_DEEP_LEVELS = 28  # of AnyValue, 3 messages each; protobuf parsers stop at 100 messages
_REPAIR = "\ufffd"
_BOOLEANS = pa.array(["false", "true"], STRING)


@dataclass(slots=True)
class Texts:
    """Texts in the making: slice [starts, ends) of `data` each, unless a patch (indices, string array) says more."""

    data: UInt8s
    starts: Int32s
    ends: Int32s
    is_null: Bools
    patches: list[tuple[Int32s, Arrow]] = field(default_factory=list)

    def patch(self, indices: Int32s, texts: Arrow) -> None:
        if len(indices):
            self.patches.append((indices, texts))
            self.starts[indices] = self.ends[indices]

    def array(self) -> Arrow:
        """String array. Raises Unusual if one is not UTF-8."""
        return utf8(self.binary())

    def binary(self) -> Arrow:
        # One binary array over everything, cut at each start and end, so that every text is an element of it.
        count = len(self.starts)
        cuts = np.empty(2 * count + 1, np.int32)
        cuts[0:-1:2], cuts[1:-1:2], cuts[-1] = self.starts, self.ends, len(self.data)
        pieces, parts = [cuts], [self.data.data]
        selected = np.arange(0, 2 * count, 2, dtype=np.int32)
        for indices, texts in self.patches:
            ends, begin = offsets(texts), int(pieces[-1][-1])
            selected[indices] = np.arange(len(texts), dtype=np.int32) + sum(map(len, pieces)) - 1
            pieces.append(ends[1:] + np.int32(begin))
            parts.append(memoryview(texts.buffers()[2] or b"")[: int(ends[-1])])
        data = buffer(b"".join(parts)) if self.patches else buffer(self.data)
        elements = np.concatenate(pieces)
        source = pa.BinaryArray.from_buffers(pa.binary(), len(elements) - 1, [None, buffer(elements), data])
        return source.take(array_of(pa.int32(), selected, ~self.is_null))


def slices(data: UInt8s, starts: Int32s, ends: Int32s) -> Arrow:
    """Binary array of data[starts:ends], which follow each other."""
    return Texts(data, starts, ends, np.zeros(len(starts), bool)).binary()


def exact_pair(raw: bytes) -> tuple[str, str | None]:
    """Key and text of a KeyValue in any encoding."""
    pair = _parsed(messages.KeyValue, raw)
    return _checked(scalars.utf8(pair.key)) or "", _checked(_exact_text(pair.value))


def exact_text(raw: bytes) -> str | None:
    """Text of an AnyValue in any encoding."""
    return _checked(_exact_text(_parsed(messages.AnyValue, raw)))


def padded(binary: Arrow) -> UInt8s:
    """The bytes of a binary array, with padding."""
    data = np.frombuffer(binary.buffers()[2] or b"", np.uint8)[: int(offsets(binary)[-1])]
    return np.concatenate((data, np.zeros(PADDING_BYTES, np.uint8)))


def scalars_of(data: UInt8s, starts: Int32s, ends: Int32s) -> tuple[Texts, Bools]:
    """(texts of the AnyValues at data[starts:ends], which follow each other in padded data; which of them were read).

    Read are strings, numbers and booleans in the encoding that every SDK sends, and empty values."""
    sizes, tags = ends - starts, data[starts]
    found = Texts(data, np.minimum(starts + 2, ends), ends.copy(), sizes == 0)
    is_read = found.is_null | _is_short_string(data, starts, sizes, tags)
    for find in (_long_strings, _integers, _booleans, _doubles):
        is_read[find(found, starts, sizes, tags)] = True
    return found, is_read


def patch_exactly(found: Texts, indices: Int32s, exact_texts: Sequence[str | None]) -> None:
    found.patch(indices, pa.array([text or "" for text in exact_texts], STRING))
    found.is_null[indices] = [text is None for text in exact_texts]


def _is_short_string(data: UInt8s, starts: Int32s, sizes: Int32s, tags: UInt8s) -> Bools:
    is_short: Bools = (tags == STRING_TAG) & (sizes > 1) & (sizes < 130) & (data[starts + 1] == sizes - 2)
    return is_short


def _long_strings(found: Texts, starts: Int32s, sizes: Int32s, tags: UInt8s) -> Int32s:
    """Strings of 128..16383 bytes: two bytes of length."""
    at = where((tags == STRING_TAG) & (sizes >= 131) & (sizes < 16387))
    low, high = found.data[starts[at] + 1].astype(np.int32), found.data[starts[at] + 2].astype(np.int32)
    at = at.compress((low >= 128) & (high < 128) & ((low & 127 | high << 7) == sizes[at] - 3))
    found.starts[at] += 1
    return at


def _integers(found: Texts, starts: Int32s, sizes: Int32s, tags: UInt8s) -> Int32s:
    at = where((tags == _INT_TAG) & (sizes >= 2) & (sizes <= 11))
    if not len(at):
        return at
    first, digit_count = starts[at] + 1, sizes[at] - 1
    values, is_whole = np.zeros(len(at), np.uint64), np.ones(len(at), bool)
    for i in range(int(digit_count.max())):
        has_digit = np.flatnonzero(digit_count > i)
        digit = found.data[first[has_digit] + i]
        values[has_digit] |= (digit & 127).astype(np.uint64) << np.uint64(7 * i)
        is_whole[has_digit] &= (digit >= 128) == (digit_count[has_digit] > i + 1)
    at = at[is_whole]
    found.patch(at, pa.array(values[is_whole].view(np.int64)).cast(STRING))
    return at


def _booleans(found: Texts, starts: Int32s, sizes: Int32s, tags: UInt8s) -> Int32s:
    at = where((tags == _BOOL_TAG) & (sizes == 2))
    at = at[found.data[starts[at] + 1] < 128]
    found.patch(at, _BOOLEANS.take(pa.array((found.data[starts[at] + 1] != 0).astype(np.int8))))
    return at


def _doubles(found: Texts, starts: Int32s, sizes: Int32s, tags: UInt8s) -> Int32s:
    at = where((tags == DOUBLE_TAG) & (sizes == 9))
    if len(at):
        octets = found.data[starts[at][:, None] + np.arange(1, 9, dtype=np.int32)]
        found.patch(at, double_texts(octets.view(np.float64).ravel()))
    return at


def double_texts(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Arrow:
    """Shortest text that reads back as each number, by one serialisation of them all."""
    finite = np.isfinite(values)
    serialised = np.frombuffer(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY), np.uint8)[1:-1]
    is_comma = serialised == ord(",")
    cuts = np.concatenate(
        ([0], np.flatnonzero(is_comma) - np.arange(len(values) - 1), [len(serialised) - len(values) + 1])
    )
    text = pa.StringArray.from_buffers(len(values), buffer(cuts.astype(np.int32)), buffer(serialised[~is_comma]))
    if finite.all():
        return text
    names = np.where(np.isnan(values), "NaN", np.where(values > 0, "Infinity", "-Infinity"))
    return pa.array(np.where(finite, text.to_numpy(zero_copy_only=False), names).tolist(), STRING)


def _parsed(message: Any, raw: bytes) -> Any:
    try:
        return message.FromString(raw)
    except DecodeError:
        raise Unusual("not protobuf") from None


def _exact_text(value: Any) -> str | None:
    text = scalars.any_value_text(value)
    # A text with few brackets cannot come from deep nesting, so few values are walked through.
    if text and text.count("[") + text.count("{") > _DEEP_LEVELS and _is_deep(value, _DEEP_LEVELS):
        raise Unusual("deep nesting")
    return text


def _is_deep(value: Any, levels: int) -> bool:
    """Whether messages nest deeper than some levels: parsers refuse a whole request with too many of them."""
    inner = [*value.array_value.values, *(pair.value for pair in value.kvlist_value.values)]
    return bool(inner) and (levels == 0 or any(_is_deep(each, levels - 1) for each in inner))


def _checked(text: str | None) -> str | None:
    """The text, unless it may have been repaired: that is counted by the plain decoder."""
    if text is not None and _REPAIR in text:
        raise Unusual("invalid UTF-8")
    return text


def where(mask: Bools) -> Int32s:
    return np.flatnonzero(mask).astype(np.int32)
