"""Finds requests whose rows repeat so much resource, scope and metric that the plain decoder should judge them."""

from collections.abc import Sequence

import numpy as np

from pipelines.decode.bad_rows import expansion_limit_bytes
from pipelines.decode.columns import Int64s
from pipelines.decode.wire import Arrow, Int32s, Requests, Unusual, offsets
from pipelines.payloads import Payload

_HEADER_BYTES = 2  # tag and length of an attribute, at least
# Usual traffic repeats about as much as it is long. A list of many small requests that repeats more is halved.
_LIST_LIMIT_BYTES = 128 << 20


def check(payloads: Sequence[Payload], requests: Requests, rows_of_scope: Int32s, rows_of_resource: Int32s) -> None:
    """Raises Unusual from half the limit on, for the bytes counted here are not exactly those of the plain decoder."""
    resources = _list_bytes(requests.resources.field("resource").field("attributes"))
    scopes = _list_bytes(requests.scopes.field("scope").field("attributes"))
    by_resource = _sums(rows_of_scope * scopes, requests.scope_offsets) + rows_of_resource * resources
    _judge(payloads, _sums(by_resource, requests.resource_offsets))


def check_metrics(payloads: Sequence[Payload], requests: Requests, rows_of_metric: Int32s) -> None:
    """The same for the headers of metrics."""
    metrics = requests.items
    texts = sum(np.diff(offsets(metrics.field(name))).astype(np.int64) for name in ("name", "description", "unit"))
    repeated = rows_of_metric * (texts + _list_bytes(metrics.field("metadata")))
    by_resource = _sums(_sums(repeated, requests.item_offsets), requests.scope_offsets)
    _judge(payloads, _sums(by_resource, requests.resource_offsets))


def _list_bytes(raw_lists: Arrow) -> Int64s:
    """Bytes of each list of raw KeyValues."""
    starts = offsets(raw_lists)
    sizes: Int64s = np.diff(offsets(raw_lists.values)[starts]).astype(np.int64)
    sizes += _HEADER_BYTES * np.diff(starts)
    return sizes


def _sums(values: Int64s, starts: Int32s) -> Int64s:
    """Sum of values[starts[i]:starts[i + 1]] for each i."""
    return np.diff(np.concatenate(([0], np.cumsum(values, dtype=np.int64)))[starts])


def _judge(payloads: Sequence[Payload], repeated_bytes: Int64s) -> None:
    limits = np.array([expansion_limit_bytes(len(payload.data)) for payload in payloads]) // 2
    if (repeated_bytes > limits).any() or (len(payloads) > 1 and repeated_bytes.sum() > _LIST_LIMIT_BYTES):
        raise Unusual("rows repeat very much")
