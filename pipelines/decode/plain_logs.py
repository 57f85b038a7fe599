"""A log record → a row of `logs`, in plain Python."""

from typing import Any

from pipelines.decode.bad_rows import bad_row
from pipelines.decode.plain import Context, Row, Source
from pipelines.decode.scalars import any_value_text, time_us, utf8


def check(record: Any, source: Source) -> None:
    """Raises bad_row for a record that cannot become a row. Ids may be absent: empty, or all zero."""
    if len(record.trace_id) != 16 and any(record.trace_id):
        raise bad_row("bad_trace_id")
    if len(record.span_id) != 8 and any(record.span_id):
        raise bad_row("bad_span_id")
    sent_ns = record.time_unix_nano or record.observed_time_unix_nano
    if sent_ns:
        source.check_time(sent_ns)


def row(record: Any, context: Context) -> tuple[Row, int]:
    """The row, without those columns that all rows of its scope share, and its count of wrong types."""
    attributes = context.source.attributes(record.attributes)
    promoted, wrong_type_count = context.promoted(attributes)
    sent_us, observed_us = time_us(record.time_unix_nano), time_us(record.observed_time_unix_nano)
    own = {
        "time": sent_us or observed_us or context.source.payload.receive_time_us,
        "observed_time": observed_us,
        "time_unix_nano": record.time_unix_nano or None,
        "observed_time_unix_nano": None if observed_us is None else record.observed_time_unix_nano,
        "is_time_inferred": not record.time_unix_nano,
        "severity_number": record.severity_number,
        "severity_text": utf8(record.severity_text) or None,
        "event_name": utf8(record.event_name) or promoted.get("event_name") or None,
        "body": context.source.field("body", any_value_text(record.body)),
        "trace_id": record.trace_id.hex() if any(record.trace_id) else None,
        "span_id": record.span_id.hex() if any(record.span_id) else None,
        "flags": record.flags,
        "attributes": attributes,
        "dropped_attributes_count": record.dropped_attributes_count,
    }
    return {**promoted, **own}, wrong_type_count
