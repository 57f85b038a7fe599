"""series_id of metric points: order-independent sums of hashes, each worked out once per distinct pair."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipelines.decode import scalars
from pipelines.decode.attributes import Attributes
from pipelines.decode.columns import Coded, UInt64s, combined, series_hex
from pipelines.decode.context import Context
from pipelines.decode.wire import Arrow, Int32s


def series_ids(part: Context, attributes: Attributes, scope: Sequence[Coded], metric: UInt64s) -> Arrow:
    """32 hex digits a row. `scope` is name and version of each scope, `metric` the lanes of each row's metric."""
    of_scope = header_lanes(scope, scalars.scope_hash) + _pair_lanes(attributes, "scope", "scope")
    of_resource = _pair_lanes(attributes, "resource", "resource")
    lanes = _pair_lanes(attributes, "own", "point") + metric
    lanes += np.repeat(of_scope, part.rows_of_scope, axis=0)
    lanes += np.repeat(of_resource, part.rows_of_resource, axis=0)
    return series_hex(lanes)


def header_lanes(columns: Sequence[Coded], lanes: Callable[..., scalars.Lanes]) -> UInt64s:
    """Two uint64 of each row's texts, an array (rows, 2)."""
    distinct, codes = combined(columns)
    combinations = zip(*(column.to_pylist() for column in distinct), strict=True)
    return _lanes_array([lanes(*parts) for parts in combinations])[codes]


def _pair_lanes(attributes: Attributes, level: str, name: str) -> UInt64s:
    """Sum mod 2^64 of the hashes of each message's pairs, an array (messages, 2)."""
    pair_lists = attributes.levels[level]
    distinct, codes = np.unique(pair_lists.pairs, return_inverse=True)
    hashes = _lanes_array([scalars.pair_hash(name, key, text) for key, text in _texts(attributes, distinct)])[codes]
    sums = np.concatenate([np.zeros((1, 2), np.uint64), np.cumsum(hashes, axis=0, dtype=np.uint64)])
    return np.diff(sums[pair_lists.starts], axis=0)


def _texts(attributes: Attributes, pairs: Int32s) -> Sequence[tuple[Any, Any]]:
    keys = Coded(attributes.key_of_pair.take(pairs), attributes.keys).texts()
    texts = Coded(attributes.text_of_pair.take(pairs), attributes.texts).texts()
    return list(zip(keys.to_pylist(), texts.to_pylist(), strict=True))


def _lanes_array(lanes: Sequence[scalars.Lanes]) -> UInt64s:
    return np.array(lanes, np.uint64).reshape(-1, 2)
