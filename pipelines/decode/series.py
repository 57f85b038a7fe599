"""series_id of metric points: order-independent sums of hashes, each worked out once per distinct pair."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode import scalars
from pipelines.decode.attributes import Attributes
from pipelines.decode.columns import Coded, UInt64s, buffer, combined, series_hex
from pipelines.decode.context import Context
from pipelines.decode.wire import Arrow, offsets


def series_ids(part: Context, attributes: Attributes, scope: Sequence[Coded], metric: UInt64s) -> Arrow:
    """32 hex digits a row. `scope` is name and version of each scope, `metric` the lanes of each row's metric."""
    of_scope = header_lanes("scope_header", scope) + _pair_lanes(attributes, "scope", "scope")
    of_resource = _pair_lanes(attributes, "resource", "resource")
    lanes = _pair_lanes(attributes, "own", "point") + metric
    lanes += np.repeat(of_scope, part.rows_of_scope, axis=0)
    lanes += np.repeat(of_resource, part.rows_of_resource, axis=0)
    return series_hex(lanes)


def header_lanes(kind: str, columns: Sequence[Coded]) -> UInt64s:
    """Two uint64 of each row's texts, an array (rows, 2)."""
    distinct, codes = combined(columns)
    return _hashes(kind, distinct).take(codes, axis=0)


def _pair_lanes(attributes: Attributes, level: str, kind: str) -> UInt64s:
    """Sum mod 2^64 of the hashes of each message's pairs, an array (messages, 2)."""
    pair_lists = attributes.levels[level]
    is_used = np.zeros(len(attributes.key_of_pair), bool)
    is_used[pair_lists.pairs] = True
    keys = Coded(attributes.key_of_pair[is_used], attributes.keys)
    texts = Coded(attributes.text_of_pair[is_used], attributes.texts)
    hashes = np.zeros((len(is_used), 2), np.uint64)
    hashes[is_used] = _hashes(kind, [keys.texts(), texts.texts()])
    sums = np.zeros((len(pair_lists.pairs) + 1, 2), np.uint64)
    np.cumsum(hashes.take(pair_lists.pairs, axis=0), axis=0, out=sums[1:])
    return np.diff(sums.take(pair_lists.starts, axis=0), axis=0)


def _hashes(kind: str, columns: Sequence[Arrow]) -> UInt64s:
    """What `scalars` hashes for a kind and the texts of each row, an array (rows, 2)."""
    kinds = pa.repeat(kind, len(columns[0]))
    parts = [part for column in (kinds, *columns) for part in (_lengths(column), column.cast(pa.binary()))]
    encoded: Arrow = pc.binary_join_element_wise(*parts, b"", null_handling="replace", null_replacement="")
    digests = [hashlib.blake2b(each, digest_size=16).digest() for each in encoded.to_pylist()]
    return np.frombuffer(b"".join(digests), "<u8").reshape(-1, 2)


def _lengths(texts: Arrow) -> Arrow:
    """Bytes of each text as 8 bytes."""
    lengths = np.diff(offsets(texts)).astype("<u8")
    if texts.null_count:
        lengths[texts.is_null().to_numpy(zero_copy_only=False)] = scalars.LANE_MASK
    return pa.Array.from_buffers(pa.binary(8), len(lengths), [None, buffer(lengths)]).cast(pa.binary())
