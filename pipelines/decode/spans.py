"""Spans → rows of `traces`: attributes first, then columns by theme, then which rows are bad."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipelines.decode import sampling, scalars, wire
from pipelines.decode.attributes import Attributes, encode
from pipelines.decode.columns import (
    Bools,
    Coded,
    array_of,
    booleans,
    combined,
    enum_texts,
    hex_ids,
    hex_texts,
    id_state,
    lists,
    nanoseconds,
    numbers,
    structs,
    texts,
    timestamps,
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
    return Rows(part, columns, _is_bad(spans, part), wrong_type_counts)


def _attribute_lists(spans: Arrow) -> dict[str, Arrow]:
    return {
        "own": spans.field("attributes"),
        "event": spans.field("events").values.field("attributes"),
        "link": spans.field("links").values.field("attributes"),
    }


def _identity(spans: Arrow) -> dict[str, Arrow]:
    _, has_no_parent = id_state(spans.field("parent_span_id"), SPAN_ID_BYTES)
    return {
        "trace_id": _repeated_hex(spans.field("trace_id")),
        "span_id": hex_texts(spans.field("span_id")),
        "parent_span_id": hex_ids(spans.field("parent_span_id"), ~has_no_parent),
        "name": texts(spans.field("name"), null_empty=False).array(),
        "kind": enum_texts(spans.field("kind"), scalars.SPAN_KINDS).array(),
        "flags": _int64(spans, "flags"),
        "dropped_attributes_count": _int64(spans, "dropped_attributes_count"),
        "dropped_events_count": _int64(spans, "dropped_events_count"),
        "dropped_links_count": _int64(spans, "dropped_links_count"),
    }


def _times(spans: Arrow) -> dict[str, Arrow]:
    start_ns, end_ns = (nanoseconds(spans.field(f"{name}_time_unix_nano")) for name in ("start", "end"))
    is_finished = end_ns != 0
    duration_ns = end_ns.view(np.int64) - start_ns.view(np.int64)
    return {
        "start_time": timestamps(start_ns),
        "end_time": timestamps(np.where(is_finished, end_ns, start_ns)),
        "duration_ms": array_of(pa.float64(), duration_ns / 1e6, is_finished),
        "start_time_unix_nano": array_of(pa.int64(), start_ns.view(np.int64)),
        "end_time_unix_nano": array_of(pa.int64(), end_ns.view(np.int64), is_finished),
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
        "timestamp": timestamps(times_ns, times_ns != 0),
        "name": texts(each.field("name"), null_empty=False).array(),
        "attributes": attributes.column("event"),
    }
    return {
        "events": lists(starts, structs(event)),
        "event_times_unix_nano": lists(starts, array_of(pa.int64(), times_ns.view(np.int64))),
        "event_dropped_attributes_counts": lists(starts, _int64(each, "dropped_attributes_count")),
    }


def _links(links: Arrow, attributes: Attributes) -> Arrow:
    each = links.values
    link = {
        "trace_id": _sent_hex(each.field("trace_id")),
        "span_id": _sent_hex(each.field("span_id")),
        "trace_state": texts(each.field("trace_state")).array(),
        "flags": _int64(each, "flags"),
        "dropped_attributes_count": _int64(each, "dropped_attributes_count"),
        "attributes": attributes.column("link"),
    }
    return lists(offsets(links), structs(link))


def _sampling(spans: Arrow, attributes: Attributes, rules: Rules) -> dict[str, Arrow]:
    """Both columns, worked out once per distinct pair of tracestate and weight."""
    trace_state = texts(spans.field("trace_state"))
    weight = first_text(attributes, rules.weight_attributes, "own")
    distinct, codes = combined([trace_state] if weight is None else [trace_state, weight])
    found = [sampling.adjusted_count(*(state, *weights, None)[:2]) for state, *weights in distinct]
    counts = np.array([count for count, _ in found], np.float64)
    sources = pa.array([source for _, source in found], pa.string())
    return {
        "trace_state": trace_state.array(),
        "adjusted_count": array_of(pa.float64(), counts.take(codes)),
        "sampling_source": Coded(codes, sources, are_distinct=False).compact().array(),
    }


def _is_bad(spans: Arrow, part: Context) -> Bools:
    """Where a span cannot become a row; the plain decoder says why."""
    start_ns = nanoseconds(spans.field("start_time_unix_nano"))
    is_bad: Bools = (start_ns == 0) | part.out_of_range(start_ns)
    for name, id_bytes in (("trace_id", TRACE_ID_BYTES), ("span_id", SPAN_ID_BYTES)):
        is_missized, is_absent = id_state(spans.field(name), id_bytes)
        is_bad |= is_missized | is_absent
    is_bad |= id_state(spans.field("parent_span_id"), SPAN_ID_BYTES)[0]
    return is_bad


def _repeated_hex(ids: Arrow) -> Arrow:
    """Dictionary of the hex of ids that come several times, as the trace ids of a trace do."""
    encoded = ids.dictionary_encode()
    return Coded(encoded.indices.to_numpy(), hex_texts(encoded.dictionary)).array()


def _sent_hex(ids: Arrow) -> Arrow:
    return hex_ids(ids, np.diff(offsets(ids)) > 0)


def _int64(messages: Arrow, name: str) -> Arrow:
    return array_of(pa.int64(), numbers(messages.field(name)).astype(np.int64))
