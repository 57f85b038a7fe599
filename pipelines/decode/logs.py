"""Log records → rows of `logs`: attributes first, then columns by theme, then which rows are bad."""

from collections.abc import Sequence

import numpy as np

from pipelines.decode import nested, wire
from pipelines.decode.attributes import encode
from pipelines.decode.columns import (
    MICROSECONDS,
    Bools,
    Coded,
    UInt64s,
    array_of,
    booleans,
    empty_as_null,
    hex_ids,
    id_state,
    int64,
    is_known,
    nanoseconds,
    texts,
    timestamps,
    unix_nanos,
)
from pipelines.decode.context import Context, Rows, attribute_lists, context, promoted_columns, shared_columns
from pipelines.decode.promotion import first_present
from pipelines.decode.redaction import privatised
from pipelines.decode.rules import Rules
from pipelines.decode.wire import Arrow, Unusual, offsets
from pipelines.payloads import Payload

_ID_BYTES = {"trace_id": 16, "span_id": 8}


def rows(payloads: Sequence[Payload], rules: Rules) -> Rows:
    """A row per log record, bad ones included. Raises Unusual when the plain decoder has to look at these requests."""
    requests = wire.read("logs", [payload.data for payload in payloads])
    records = requests.items
    part = context(payloads, rules, requests, np.diff(requests.item_offsets))
    attributes = encode({"own": records.field("attributes"), **attribute_lists(requests)}, rules)
    promoted, wrong_type_counts = promoted_columns("logs", part, attributes)
    columns = {
        **promoted,
        **_times(records, part),
        **_identity(records),
        "severity_number": int64(records.field("severity_number")),
        "severity_text": texts(records.field("severity_text")).array(),
        "event_name": _event_name(texts(records.field("event_name")), promoted.get("event_name")),
        "body": _body(records.field("body"), rules),
        "flags": int64(records.field("flags")),
        "attributes": attributes.column("own"),
        "dropped_attributes_count": int64(records.field("dropped_attributes_count")),
        **shared_columns(part, attributes),
    }
    return Rows(part, columns, is_bad(records, part), wrong_type_counts)


def _times(records: Arrow, part: Context) -> dict[str, Arrow]:
    sent_ns, observed_ns = _sent_and_observed(records)
    sent_us, observed_us = (
        np.where(is_known(ns), ns // np.uint64(1000), 0).view(np.int64) for ns in (sent_ns, observed_ns)
    )
    time_us = np.where(sent_us != 0, sent_us, np.where(observed_us != 0, observed_us, part.receive_times_us()))
    return {
        "time": array_of(MICROSECONDS, time_us),
        "observed_time": timestamps(observed_ns),
        "time_unix_nano": unix_nanos(sent_ns),
        "observed_time_unix_nano": unix_nanos(observed_ns),
        "is_time_inferred": booleans(sent_ns == 0),
    }


def _identity(records: Arrow) -> dict[str, Arrow]:
    return {
        name: hex_ids(records.field(name), ~id_state(records.field(name), id_bytes)[1])
        for name, id_bytes in _ID_BYTES.items()
    }


def _event_name(sent: Coded, promoted: Arrow | None) -> Arrow:
    """The record's own event name, else the promoted attribute."""
    if promoted is None:
        return sent.array()
    attribute = Coded(promoted.indices.fill_null(-1).to_numpy(), promoted.dictionary)
    return empty_as_null(first_present([sent, attribute]).distinct()).array()


def _body(bodies: Arrow, rules: Rules) -> Arrow:
    """Text of the bodies, worked out once per distinct body."""
    sent_counts = np.diff(offsets(bodies))
    if (sent_counts > 1).any():
        raise Unusual("a body in several pieces")
    encoded = bodies.values.dictionary_encode()
    codes = np.full(len(bodies), -1, np.int32)
    codes[sent_counts == 1] = encoded.indices.to_numpy()
    # Bodies hardly repeat, and hardly ever is one text sent in two encodings: the texts are not hashed again.
    found = nested.any_value_texts(encoded.dictionary).fill_null("")
    sent = empty_as_null(Coded(codes, found, are_distinct=False))
    return privatised(sent, rules.field_actions.get("logs.body"), rules.key).array()


def is_bad(records: Arrow, part: Context) -> Bools:
    """Where a record cannot become a row; the plain decoder says why."""
    sent_ns, observed_ns = _sent_and_observed(records)
    time_ns = np.where(sent_ns != 0, sent_ns, observed_ns)
    is_row_bad: Bools = (time_ns != 0) & part.is_out_of_range(time_ns)
    for name, id_bytes in _ID_BYTES.items():
        is_missized, is_zero = id_state(records.field(name), id_bytes)
        is_row_bad |= is_missized & ~is_zero
    return is_row_bad


def _sent_and_observed(records: Arrow) -> tuple[UInt64s, UInt64s]:
    return nanoseconds(records.field("time_unix_nano")), nanoseconds(records.field("observed_time_unix_nano"))
