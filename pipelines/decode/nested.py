"""AnyValue bytes → text, vectorised: scalars first, then lists and maps as compact JSON, one level after another."""

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode import values, wire
from pipelines.decode.columns import STRING, Bools, UInt8s, lists, utf8
from pipelines.decode.values import Texts, where
from pipelines.decode.wire import Arrow, Int32s, offsets

_KEY_TAG, _VALUE_TAG = 0x0A, 0x12  # opentelemetry-proto common.proto, KeyValue
_ARRAY_TAG, _MAP_TAG = 0x2A, 0x32  # AnyValue
_LEVELS = 4  # of lists and maps inside each other; deeper ones are rare
_NOT_FINITE = pa.array(["NaN", "Infinity", "-Infinity"], STRING)
_ESCAPED = r'["\\\x00-\x1f]'  # characters that JSON strings cannot hold as they are


def any_value_texts(raw: Arrow) -> Arrow:
    """Text of each AnyValue of a binary array without NULLs; NULL for an empty one."""
    cuts = offsets(raw)
    return read(values.padded(raw), cuts[:-1], cuts[1:]).array()


def pairs(raw: Arrow) -> tuple[Texts, Texts]:
    """Keys and texts of raw KeyValues."""
    data, cuts = values.padded(raw), offsets(raw)
    starts, ends = cuts[:-1], cuts[1:]
    key_starts, key_ends, value_starts, is_usual = _headers(data, starts, ends)
    keys = Texts(data, key_starts, key_ends, np.zeros(len(starts), bool))
    texts = read(data, value_starts, ends)
    unusual = where(~is_usual)
    if len(unusual):
        exact = [values.exact_pair(data[starts[i] : ends[i]].tobytes()) for i in unusual]
        values.patch_exactly(keys, unusual, [key for key, _ in exact])
        values.patch_exactly(texts, unusual, [text for _, text in exact])
    return keys, texts


def read(data: UInt8s, starts: Int32s, ends: Int32s) -> Texts:
    """Texts of the AnyValues at data[starts:ends], which follow each other in padded data."""
    found, is_read = _read(data, starts, ends, _LEVELS)
    left = where(~is_read)
    if len(left):
        values.patch_exactly(found, left, [values.exact_text(data[starts[i] : ends[i]].tobytes()) for i in left])
    return found


def _read(data: UInt8s, starts: Int32s, ends: Int32s, levels: int) -> tuple[Texts, Bools]:
    """(texts, which values were read); not read is what is encoded unusually or deeper than so many levels."""
    found, is_read = values.scalars_of(data, starts, ends)
    if levels:
        for tag, texts_of in ((_ARRAY_TAG, _array_texts), (_MAP_TAG, _map_texts)):
            at, contents = _contents(data, starts, ends, where(~is_read & (data[starts] == tag)))
            if len(at):
                texts, is_whole = texts_of(contents, levels - 1)
                found.patch(at[is_whole], texts.filter(pa.array(is_whole)))
                is_read[at[is_whole]] = True
    return found, is_read


def _contents(data: UInt8s, starts: Int32s, ends: Int32s, at: Int32s) -> tuple[Int32s, Arrow]:
    """(those values that are one message below 16384 bytes and nothing else, the bytes of those messages)."""
    begins, message_bytes = _lengths(data, starts[at])
    is_usual = message_bytes == ends[at] - begins
    at = at[is_usual]
    return at, values.slices(data, begins[is_usual], ends[at])


def _array_texts(encoded: Arrow, levels: int) -> tuple[Arrow, Bools]:
    """(JSON of each ArrayValue, whether all in it was read)."""
    found = wire.elements("ArrayValue", encoded)
    cuts, data = offsets(found.values), values.padded(found.values)
    texts, is_read = _json(data, cuts[:-1], cuts[1:], levels)
    return _joined("[", offsets(found), texts, "]"), _all(is_read, offsets(found)) & _holds_no_more(encoded, found)


def _map_texts(encoded: Arrow, levels: int) -> tuple[Arrow, Bools]:
    """(JSON of each KeyValueList, whether all in it was read and no key occurs twice)."""
    found = wire.elements("KeyValueList", encoded)
    starts, cuts, data = offsets(found), offsets(found.values), values.padded(found.values)
    key_starts, key_ends, value_starts, is_usual = _headers(data, cuts[:-1], cuts[1:])
    keys = values.slices(data, key_starts, key_ends).dictionary_encode()
    texts, is_read = _json(data, value_starts, cuts[1:], levels)
    members = pc.binary_join_element_wise(_quoted(utf8(keys.dictionary)).take(keys.indices), texts, ":")
    is_read &= is_usual & ~_is_repeated(keys.indices.to_numpy(), starts)
    return _joined("{", starts, members, "}"), _all(is_read, starts) & _holds_no_more(encoded, found)


def _json(data: UInt8s, starts: Int32s, ends: Int32s, levels: int) -> tuple[Arrow, Bools]:
    """(AnyValues as JSON, which of them were read)."""
    found, is_read = _read(data, starts, ends, levels)
    found.starts[~is_read] = found.ends[~is_read]
    texts, tags = found.array().fill_null("null"), data[starts]
    is_quoted = (tags == values.STRING_TAG) & ~found.is_null
    is_quoted |= (tags == values.DOUBLE_TAG) & pc.is_in(texts, _NOT_FINITE).to_numpy(zero_copy_only=False)
    mask = pa.array(is_quoted)
    return pc.replace_with_mask(texts, mask, _quoted(texts.filter(mask))), is_read


def _quoted(texts: Arrow) -> Arrow:
    """JSON strings."""
    quoted: Arrow = pc.binary_join_element_wise('"', texts, '"', "")
    is_escaped: Arrow = pc.match_substring_regex(texts, _ESCAPED)
    escaped = pa.array([orjson.dumps(text).decode() for text in texts.filter(is_escaped).to_pylist()], STRING)
    return pc.replace_with_mask(quoted, is_escaped, escaped)


def _joined(begin: str, starts: Int32s, elements: Arrow, end: str) -> Arrow:
    joined: Arrow = pc.binary_join(lists(starts, elements), ",")
    return pc.binary_join_element_wise(begin, joined, end, "")


def _all(mask: Bools, starts: Int32s) -> Bools:
    """Whether the mask holds for all elements of each list."""
    others_before = np.concatenate(([0], np.cumsum(~mask)))
    return np.asarray(np.diff(others_before[starts]) == 0, bool)


def _holds_no_more(encoded: Arrow, found: Arrow) -> Bools:
    """Whether each message, of less than 16384 bytes, is its elements and no other field: the parser lets some pass
    that official ones refuse, such as a group without an end."""
    sizes = np.diff(offsets(found.values))
    bytes_before = np.concatenate(([0], np.cumsum(sizes + 2 + (sizes >= 128))))
    return np.asarray(np.diff(bytes_before[offsets(found)]) == np.diff(offsets(encoded)), bool)


def _is_repeated(codes: Int32s, starts: Int32s) -> Bools:
    """Which of the coded keys stand in their list before."""
    lists_of_keys = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    is_repeated = np.ones(len(codes), bool)
    is_repeated[np.unique(lists_of_keys * (len(codes) + 1) + codes, return_index=True)[1]] = False
    return is_repeated


def _headers(data: UInt8s, starts: Int32s, ends: Int32s) -> tuple[Int32s, Int32s, Int32s, Bools]:
    """(key start, key end, value start, is usual): usual is a key below 128 bytes, a value below 16384, no more."""
    key_starts = starts + 2
    key_ends = key_starts + data[starts + 1]
    is_usual = (data[starts] == _KEY_TAG) & (data[starts + 1] < 128) & (key_ends + 2 <= ends)
    at = np.where(is_usual, key_ends, starts)
    value_starts, value_bytes = _lengths(data, at)
    is_usual &= (data[at] == _VALUE_TAG) & (value_bytes == ends - value_starts)
    return (
        np.where(is_usual, key_starts, starts),
        np.where(is_usual, key_ends, starts),
        np.where(is_usual, value_starts, ends),
        is_usual,
    )


def _lengths(data: UInt8s, at: Int32s) -> tuple[Int32s, Int32s]:
    """(start, length) of the content of each field at a one-byte tag; -1 for a length of more than two bytes."""
    low, high = data[at + 1].astype(np.int32), data[at + 2].astype(np.int32)
    is_long = low >= 128
    lengths = np.where(is_long, low & 127 | high << 7, low)
    lengths[is_long & (high >= 128)] = -1
    return at + 2 + is_long, lengths
