"""What rows of every signal share: payload, resource and scope columns, promoted columns, and the time limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.decode import expansion, promotion
from pipelines.decode.attributes import Attributes
from pipelines.decode.columns import (
    MAX_INT64,
    MICROSECONDS,
    STRING,
    Bools,
    Coded,
    Int64s,
    UInt64s,
    array_of,
    numbers,
    texts,
)
from pipelines.decode.promotion import Level
from pipelines.decode.rules import Rules
from pipelines.decode.wire import Arrow, Int32s, Requests
from pipelines.payloads import Payload, Signal
from pipelines.tables import SCHEMA_VERSION

_NS_A_DAY = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Context:
    """A list of requests as messages, where they came from, and how many rows each of their parts has."""

    payloads: Sequence[Payload]
    rules: Rules
    requests: Requests
    rows_of_scope: Int32s
    rows_of_resource: Int32s
    rows_of_payload: Int32s

    @property
    def row_count(self) -> int:
        return int(self.rows_of_payload.sum())

    def payload_index(self) -> Int32s:
        """Which payload each row comes from."""
        return np.repeat(np.arange(len(self.payloads), dtype=np.int32), self.rows_of_payload)

    def row_ordinals(self) -> Int64s:
        """0-based position of each row in its payload."""
        first_row = np.concatenate(([0], np.cumsum(self.rows_of_payload)))[:-1]
        first_ordinal = np.array([payload.first_row_ordinal for payload in self.payloads], np.int64)
        return np.arange(self.row_count) + np.repeat(first_ordinal - first_row, self.rows_of_payload)

    def receive_times_us(self) -> Int64s:
        """Receive time of each row's payload."""
        of_payload = np.array([payload.receive_time_us for payload in self.payloads], np.int64)
        return np.repeat(of_payload, self.rows_of_payload)

    def is_out_of_range(self, times_ns: UInt64s) -> Bools:
        """Where an event time is too far from the receive time, or no INT64."""
        after_ns = times_ns.view(np.int64) - self.receive_times_us() * 1000
        is_far = (after_ns < -self.rules.max_past_days * _NS_A_DAY) | (
            after_ns > self.rules.max_future_days * _NS_A_DAY
        )
        return is_far | (times_ns > MAX_INT64)


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of a batch with every row in it, which rows are bad, and the wrong types of each row."""

    context: Context
    columns: Mapping[str, Arrow]
    is_bad: Bools
    wrong_type_counts: Int64s


def context(
    payloads: Sequence[Payload], rules: Rules, requests: Requests, rows_of_scope: npt.NDArray[np.integer]
) -> Context:
    row_offsets = np.concatenate(([0], np.cumsum(rows_of_scope)))
    scope_rows = row_offsets[requests.scope_offsets]
    rows_of_resource = np.diff(scope_rows).astype(np.int32)
    rows_of_payload = np.diff(scope_rows[requests.resource_offsets]).astype(np.int32)
    expansion.check(payloads, requests, rows_of_scope.astype(np.int32), rows_of_resource)
    return Context(payloads, rules, requests, rows_of_scope.astype(np.int32), rows_of_resource, rows_of_payload)


def attribute_lists(requests: Requests) -> dict[str, Arrow]:
    """Raw attribute lists of the levels that every signal has."""
    return {
        "scope": requests.scopes.field("scope").field("attributes"),
        "resource": requests.resources.field("resource").field("attributes"),
    }


def promoted_columns(signal: Signal, part: Context, attributes: Attributes) -> tuple[dict[str, Arrow], Int64s]:
    """(promoted columns of the rows, how many values of the wrong type each row has)."""
    levels = (Level("own", None), Level("scope", part.rows_of_scope), Level("resource", part.rows_of_resource))
    return promotion.promote(attributes, part.rules.columns[signal], levels, part.row_count)


def shared_columns(part: Context, attributes: Attributes) -> dict[str, Arrow]:
    scopes, resources = part.requests.scopes, part.requests.resources
    of_scope, of_resource = part.rows_of_scope, part.rows_of_resource
    scope, resource = scopes.field("scope"), resources.field("resource")
    return {
        "scope_name": texts(scope.field("name")).repeat(of_scope).array(),
        "scope_version": texts(scope.field("version")).repeat(of_scope).array(),
        "scope_attributes": attributes.repeated_column("scope", of_scope),
        "scope_dropped_attributes_count": _repeated_count(scope, of_scope),
        "scope_schema_url": texts(scopes.field("schema_url")).repeat(of_scope).array(),
        "resource_attributes": attributes.repeated_column("resource", of_resource),
        "resource_dropped_attributes_count": _repeated_count(resource, of_resource),
        "resource_schema_url": texts(resources.field("schema_url")).repeat(of_resource).array(),
        **_payload_columns(part),
    }


def _repeated_count(messages: Arrow, counts: Int32s) -> Arrow:
    dropped_counts = numbers(messages.field("dropped_attributes_count")).astype(np.int64)
    return array_of(pa.int64(), np.repeat(dropped_counts, counts))


def _payload_columns(part: Context) -> Mapping[str, Arrow]:
    ids = pa.array([payload.payload_id for payload in part.payloads], STRING).dictionary_encode()
    return {
        "ingest_time": array_of(MICROSECONDS, part.receive_times_us()),
        "payload_id": Coded(ids.indices.to_numpy(), ids.dictionary).repeat(part.rows_of_payload).array(),
        "row_ordinal": array_of(pa.int64(), part.row_ordinals()),
        "schema_version": array_of(pa.int64(), np.full(part.row_count, SCHEMA_VERSION, np.int64)),
    }
