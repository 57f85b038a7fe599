"""A span → a row of `traces`, in plain Python."""

from typing import Any

from pipelines.decode.bad_rows import bad_row
from pipelines.decode.plain import Context, Pair, Row, Source, texts_by_name
from pipelines.decode.sampling import adjusted_count
from pipelines.decode.scalars import INT64_MAX, SPAN_KINDS, STATUS_CODES, enum_text, hex_id, time_us, utf8


def check(span: Any, source: Source) -> None:
    """Raises bad_row for a span that cannot become a row."""
    if len(span.trace_id) != 16 or not any(span.trace_id):
        raise bad_row("bad_trace_id")
    if len(span.span_id) != 8 or not any(span.span_id):
        raise bad_row("bad_span_id")
    if len(span.parent_span_id) != 8 and any(span.parent_span_id):
        raise bad_row("bad_parent_span_id")
    if not span.start_time_unix_nano:
        raise bad_row("start_time_unknown")
    source.check_time(span.start_time_unix_nano)
    if span.end_time_unix_nano > INT64_MAX:
        raise bad_row("time_out_of_range")


def row(span: Any, context: Context) -> tuple[Row, int]:
    """The row, without those columns that all rows of its scope share, and its count of wrong types."""
    attributes = context.source.attributes(span.attributes)
    promoted, wrong_type_count = context.promoted(attributes)
    own = {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() if any(span.parent_span_id) else None,
        "name": utf8(span.name),
        "kind": enum_text(SPAN_KINDS, span.kind),
        "status_code": enum_text(STATUS_CODES, span.status.code),
        "status_message": context.source.field("status_message", utf8(span.status.message)),
        "flags": span.flags,
        "attributes": attributes,
        "dropped_attributes_count": span.dropped_attributes_count,
        "dropped_events_count": span.dropped_events_count,
        "dropped_links_count": span.dropped_links_count,
    }
    return {
        **promoted,
        **own,
        **_times(span),
        **_events(span, context.source),
        **_sampling(span, attributes, context),
    }, (wrong_type_count)


def _times(span: Any) -> Row:
    start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
    is_unfinished = not end_ns  # 0 means "unknown": opentelemetry-proto trace.proto
    return {
        "start_time": time_us(start_ns),
        "end_time": time_us(start_ns if is_unfinished else end_ns),
        "duration_ms": None if is_unfinished else (end_ns - start_ns) / 1e6,
        "start_time_unix_nano": start_ns,
        "end_time_unix_nano": end_ns or None,
        "duration_ns": None if is_unfinished else end_ns - start_ns,
        "is_unfinished": is_unfinished,
        "has_clock_skew": not is_unfinished and end_ns < start_ns,
    }


def _events(span: Any, source: Source) -> Row:
    times_us = [time_us(event.time_unix_nano) for event in span.events]
    return {
        "events": [
            {"timestamp": at_us, "name": utf8(event.name), "attributes": source.attributes(event.attributes)}
            for event, at_us in zip(span.events, times_us, strict=True)
        ],
        "event_times_unix_nano": [
            0 if at_us is None else event.time_unix_nano for event, at_us in zip(span.events, times_us, strict=True)
        ],
        "event_dropped_attributes_counts": [event.dropped_attributes_count for event in span.events],
        "links": [
            {
                "trace_id": hex_id(link.trace_id),
                "span_id": hex_id(link.span_id),
                "trace_state": utf8(link.trace_state) or None,
                "flags": link.flags,
                "dropped_attributes_count": link.dropped_attributes_count,
                "attributes": source.attributes(link.attributes),
            }
            for link in span.links
        ],
    }


def _sampling(span: Any, attributes: list[Pair], context: Context) -> Row:
    trace_state = utf8(span.trace_state) or None
    texts = texts_by_name(attributes)
    weight = next((texts[name] for name in context.source.rules.weight_attributes if name in texts), None)
    count, source = adjusted_count(trace_state, weight)
    return {"trace_state": trace_state, "adjusted_count": count, "sampling_source": source}
