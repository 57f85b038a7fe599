"""Spans → rows of `traces`: attributes first, then columns by theme, then which rows are bad."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipelines.decode import sampling, scalars, wire
from pipelines.decode.attributes import Attributes, encode
from pipelines.decode.columns import (
    MAX_INT64,
    Bools,
    Coded,
    array_of,
    booleans,
    combined,
    enum_texts,
    hex_ids,
    hex_texts,
    id_state,
    int64,
    lists,
    nanoseconds,
    sent_hex,
    structs,
    texts,
    timestamps,
    unix_nanos,
)
from pipelines.decode.context import Context, Rows, attribute_lists, context, promoted_columns, shared_columns
from pipelines.decode.promotion import first_text
from pipelines.decode.redaction import privatised
from pipelines.decode.rules import Rules
from pipelines.decode.wire import Arrow, offsets
from pipelines.payloads import Payload

TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8


def rows(payloads: Sequence[Payload], rules: Rules) -> Rows:
    """A row per span, bad ones included. Raises Unusual when the plain decoder has to look at these requests."""
    requests = wire.read("traces", [payload.data for payload in payloads])
    spans = requests.items
    part = context(payloads, rules, requests, np.diff(requests.item_offsets))
    attributes = encode(_attribute_lists(spans) | attribute_lists(requests), rules)
    promoted, wrong_type_counts = promoted_columns("traces", part, attributes)
    columns = {
        **_identity(spans),
        **_times(spans),
        **_status(spans, rules),
        **promoted,
        "attributes": attributes.column("own"),
        **_events(spans.field("events"), attributes),
        "links": _links(spans.field("links"), attributes),
        **_sampling(spans, attributes, rules),
        **shared_columns(part, attributes),
    }
    return Rows(part, columns, is_bad(spans, part), wrong_type_counts)


def _attribute_lists(spans: Arrow) -> dict[str, Arrow]:
    return {
        "own": spans.field("attributes"),
        "event": spans.field("events").values.field("attributes"),
        "link": spans.field("links").values.field("attributes"),
    }


def _identity(spans: Arrow) -> dict[str, Arrow]:
    _, has_no_parent = id_state(spans.field("parent_span_id"), SPAN_ID_BYTES)
    return {
        "trace_id": hex_texts(spans.field("trace_id")),
        "span_id": hex_texts(spans.field("span_id")),
        "parent_span_id": hex_ids(spans.field("parent_span_id"), ~has_no_parent),
        "name": texts(spans.field("name"), null_empty=False).array(),
        "kind": enum_texts(spans.field("kind"), scalars.SPAN_KINDS).array(),
        "flags": int64(spans.field("flags")),
        "dropped_attributes_count": int64(spans.field("dropped_attributes_count")),
        "dropped_events_count": int64(spans.field("dropped_events_count")),
        "dropped_links_count": int64(spans.field("dropped_links_count")),
    }


def _times(spans: Arrow) -> dict[str, Arrow]:
    start_ns, end_ns = (nanoseconds(spans.field(f"{name}_time_unix_nano")) for name in ("start", "end"))
    is_finished = end_ns != 0
    duration_ns = end_ns.view(np.int64) - start_ns.view(np.int64)
    return {
        "start_time": timestamps(start_ns),
        "end_time": timestamps(np.where(is_finished, end_ns, start_ns)),
        "duration_ms": array_of(pa.float64(), duration_ns / 1e6, is_finished),
        "start_time_unix_nano": unix_nanos(start_ns),
        "end_time_unix_nano": unix_nanos(end_ns),
        "duration_ns": array_of(pa.int64(), duration_ns, is_finished),
        "is_unfinished": booleans(~is_finished),
        "has_clock_skew": booleans(is_finished & (end_ns < start_ns)),
    }


def _status(spans: Arrow, rules: Rules) -> dict[str, Arrow]:
    status = spans.field("status")
    message = texts(status.field("message"))
    action = rules.field_actions.get("traces.status_message")
    return {
        "status_code": enum_texts(status.field("code"), scalars.STATUS_CODES).array(),
        "status_message": privatised(message, action, rules.key).array(),
    }


def _events(events: Arrow, attributes: Attributes) -> dict[str, Arrow]:
    starts, each = offsets(events), events.values
    times_ns = nanoseconds(each.field("time_unix_nano"))
    event = {
        "timestamp": timestamps(times_ns),
        "name": texts(each.field("name"), null_empty=False).array(),
        "attributes": attributes.column("event"),
    }
    return {
        "events": lists(starts, structs(event)),
        "event_times_unix_nano": lists(starts, unix_nanos(times_ns).fill_null(0)),
        "event_dropped_attributes_counts": lists(starts, int64(each.field("dropped_attributes_count"))),
    }


def _links(links: Arrow, attributes: Attributes) -> Arrow:
    each = links.values
    link = {
        "trace_id": sent_hex(each.field("trace_id")),
        "span_id": sent_hex(each.field("span_id")),
        "trace_state": texts(each.field("trace_state")).array(),
        "flags": int64(each.field("flags")),
        "dropped_attributes_count": int64(each.field("dropped_attributes_count")),
        "attributes": attributes.column("link"),
    }
    return lists(offsets(links), structs(link))


def _sampling(spans: Arrow, attributes: Attributes, rules: Rules) -> dict[str, Arrow]:
    """Both columns, worked out once per distinct pair of tracestate and weight."""
    trace_state = texts(spans.field("trace_state"))
    weight = first_text(attributes, rules.weight_attributes, "own")
    (states, weights), codes = combined([trace_state, weight])
    distinct = zip(states.to_pylist(), weights.to_pylist(), strict=True)
    found = [sampling.adjusted_count(state, weight_text) for state, weight_text in distinct]
    counts = np.array([count for count, _ in found], np.float64)
    sources = pa.array([source for _, source in found], pa.string())
    return {
        "trace_state": trace_state.array(),
        "adjusted_count": array_of(pa.float64(), counts.take(codes)),
        "sampling_source": Coded(codes, sources, are_distinct=False).compact().array(),
    }


def is_bad(spans: Arrow, part: Context) -> Bools:
    """Where a span cannot become a row; the plain decoder says why."""
    start_ns = nanoseconds(spans.field("start_time_unix_nano"))
    is_row_bad: Bools = (start_ns == 0) | part.is_out_of_range(start_ns)
    is_row_bad |= nanoseconds(spans.field("end_time_unix_nano")) > MAX_INT64
    for name, id_bytes in (("trace_id", TRACE_ID_BYTES), ("span_id", SPAN_ID_BYTES)):
        is_missized, is_zero = id_state(spans.field(name), id_bytes)
        is_row_bad |= is_missized | is_zero
    is_missized, is_zero = id_state(spans.field("parent_span_id"), SPAN_ID_BYTES)
    is_row_bad |= is_missized & ~is_zero
    return is_row_bad
