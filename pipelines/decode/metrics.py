"""Metric data points → rows of `metrics`: points of all kinds side by side, then columns by theme, then bad rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from pipelines.decode import expansion, points, scalars, wire
from pipelines.decode.attributes import Attributes, encode
from pipelines.decode.columns import (
    MAX_INT64,
    STRING,
    Bools,
    Coded,
    Int64s,
    array_of,
    booleans,
    enum_texts,
    int64,
    lists,
    nanoseconds,
    numbers,
    sent_hex,
    structs,
    texts,
    timestamps,
    unix_nanos,
)
from pipelines.decode.context import Context, Rows, attribute_lists, context, promoted_columns, shared_columns
from pipelines.decode.points import KINDS, Points
from pipelines.decode.rules import Rules
from pipelines.decode.series import header_lanes, series_ids
from pipelines.decode.wire import Arrow, Requests, offsets
from pipelines.payloads import Payload

_NO_RECORDED_VALUE = 1  # opentelemetry-proto metrics.proto, DataPointFlags: FLAG_NO_RECORDED_VALUE_MASK
_HAVE_TEMPORALITY = ("sum", "histogram", "exponential_histogram")


def rows(payloads: Sequence[Payload], rules: Rules) -> Rows:
    """A row per data point, bad ones included. Raises Unusual when the plain decoder has to look at these requests."""
    requests = wire.read("metrics", [payload.data for payload in payloads])
    found = points.flatten(requests.items)
    expansion.check_metrics(payloads, requests, found.rows_of_metric)
    part = context(payloads, rules, requests, rows_of_scope(requests, found))
    attributes = encode(_attribute_lists(requests, found) | attribute_lists(requests), rules)
    promoted, wrong_type_counts = promoted_columns("metrics", part, attributes)
    header = _header(requests.items, found.kind_of_metric)
    columns = {
        **promoted,
        **_metric(requests.items, header, found, attributes),
        **_times(found.fields),
        **_values(found.fields),
        **_histograms(found.fields),
        "quantiles": _quantiles(found.fields["quantile_values"]),
        "exemplars": _exemplars(found.fields["exemplars"], attributes),
        **_flags(found.fields["flags"]),
        "series_id": _series_ids(header, found, part, attributes),
        "attributes": attributes.column("own"),
        **shared_columns(part, attributes),
    }
    return Rows(part, columns, is_bad(found.fields, part), wrong_type_counts)


def rows_of_scope(requests: Requests, found: Points) -> Int64s:
    rows_before = np.concatenate(([0], np.cumsum(found.rows_of_metric)))
    return np.diff(rows_before[requests.item_offsets])


def _attribute_lists(requests: Requests, found: Points) -> dict[str, Arrow]:
    return {
        "own": found.fields["attributes"],
        "metadata": requests.items.field("metadata"),
        "exemplar": found.fields["exemplars"].values.field("filtered_attributes"),
    }


def _metric(metrics: Arrow, header: Mapping[str, Coded], found: Points, attributes: Attributes) -> dict[str, Arrow]:
    counts = found.rows_of_metric
    return {
        **{name: column.repeat(counts).array() for name, column in header.items() if name != "is_monotonic"},
        "metric_description": texts(metrics.field("description")).repeat(counts).array(),
        "is_monotonic": _is_monotonic(header["is_monotonic"].repeat(counts)),
        "metric_metadata": attributes.repeated_column("metadata", counts),
    }


def _header(metrics: Arrow, kinds: wire.Int32s) -> dict[str, Coded]:
    """What makes a metric, in the order in which series_id hashes it."""
    temporality, is_monotonic = np.zeros(len(kinds), np.int32), np.full(len(kinds), -1, np.int32)
    for kind in _HAVE_TEMPORALITY:
        sent = numbers(metrics.field(kind).field("aggregation_temporality"))
        temporality = np.where(kinds == KINDS.index(kind), sent, temporality).astype(np.int32)
    sent = numbers(metrics.field("sum").field("is_monotonic"))
    is_monotonic[kinds == KINDS.index("sum")] = sent[kinds == KINDS.index("sum")]
    has_temporality = np.isin(kinds, [KINDS.index(kind) for kind in _HAVE_TEMPORALITY])
    named = enum_texts(pa.array(temporality), scalars.TEMPORALITIES)
    return {
        "metric_name": texts(metrics.field("name"), null_empty=False),
        "unit": texts(metrics.field("unit")),
        "metric_type": Coded(kinds, pa.array(scalars.METRIC_TYPES.values(), STRING)),
        "temporality": named.arranged(lambda codes: np.where(has_temporality, codes, np.int32(-1))),
        "is_monotonic": Coded(is_monotonic, pa.array(["false", "true"], STRING)),
    }


def _is_monotonic(column: Coded) -> Arrow:
    return pa.array(column.codes == 1, mask=column.codes < 0)


def _times(fields: Mapping[str, Arrow]) -> dict[str, Arrow]:
    start_ns, time_ns = nanoseconds(fields["start_time_unix_nano"]), nanoseconds(fields["time_unix_nano"])
    return {
        "start_time": timestamps(start_ns),
        "time": timestamps(time_ns),
        "start_time_unix_nano": unix_nanos(start_ns),
        "time_unix_nano": unix_nanos(time_ns),
    }


def _values(fields: Mapping[str, Arrow]) -> dict[str, Arrow]:
    return {
        **_number(fields),
        "count": _count(fields["count"]),
        "sum": fields["sum"],
        "min": fields["min"],
        "max": fields["max"],
    }


def _number(fields: Mapping[str, Arrow]) -> dict[str, Arrow]:
    """value and value_int of points or exemplars."""
    double, integer = fields["as_double"], fields["as_int"]
    is_integer = integer.is_valid().to_numpy(zero_copy_only=False)
    value = np.where(is_integer, numbers(integer).astype(np.float64), numbers(double))
    has_value = is_integer | double.is_valid().to_numpy(zero_copy_only=False)
    return {"value": array_of(pa.float64(), value, has_value), "value_int": integer}


def _count(sent: Arrow) -> Arrow:
    """uint64 as INT64; NULL where not sent and above 2^63-1."""
    counts = numbers(sent).astype(np.uint64)
    is_kept = sent.is_valid().to_numpy(zero_copy_only=False) & (counts <= MAX_INT64)
    return array_of(pa.int64(), counts.view(np.int64), is_kept)


def _histograms(fields: Mapping[str, Arrow]) -> dict[str, Arrow]:
    columns = {
        "bucket_counts": _counts(fields["bucket_counts"]),
        "explicit_bounds": lists(offsets(fields["explicit_bounds"]), fields["explicit_bounds"].values),
        "scale": fields["scale"].cast(pa.int64()),
        "zero_count": _count(fields["zero_count"]),
        "zero_threshold": fields["zero_threshold"],
    }
    for side in ("positive", "negative"):
        first, counts = _buckets(fields[side])
        columns |= {f"{side}_offset": first.cast(pa.int64()), f"{side}_bucket_counts": _counts(counts)}
    return columns


def _buckets(side: Arrow) -> tuple[Arrow, Arrow]:
    """(offset, bucket counts) of one side of exponential histograms; NULL where it was not sent."""
    of = {field.name: array for field, array in zip(side.type, side.flatten(), strict=True)}
    return of["offset"], of["bucket_counts"]


def _counts(sent: Arrow) -> Arrow:
    return lists(offsets(sent), array_of(pa.int64(), numbers(sent.values).astype(np.uint64).view(np.int64)))


def _quantiles(quantiles: Arrow) -> Arrow:
    each = quantiles.values
    return lists(offsets(quantiles), structs({name: each.field(name) for name in ("quantile", "value")}))


def _exemplars(exemplars: Arrow, attributes: Attributes) -> Arrow:
    each = exemplars.values
    sent = {name: each.field(name) for name in ("as_double", "as_int")}
    points.check_numbers(sent)
    times_ns = nanoseconds(each.field("time_unix_nano"))
    exemplar = {
        "time": timestamps(times_ns),
        "time_unix_nano": unix_nanos(times_ns),
        **_number(sent),
        "trace_id": sent_hex(each.field("trace_id")),
        "span_id": sent_hex(each.field("span_id")),
        "filtered_attributes": attributes.column("exemplar"),
    }
    return lists(offsets(exemplars), structs(exemplar))


def _flags(flags: Arrow) -> dict[str, Arrow]:
    return {
        "flags": int64(flags),
        "has_no_recorded_value": booleans(numbers(flags).astype(np.int64) & _NO_RECORDED_VALUE != 0),
    }


def _series_ids(header: Mapping[str, Coded], found: Points, part: Context, attributes: Attributes) -> Arrow:
    scope = part.requests.scopes.field("scope")
    scope_header = [texts(scope.field("name")), texts(scope.field("version"))]
    metric = header_lanes("metric", list(header.values()))
    return series_ids(part, attributes, scope_header, np.repeat(metric, found.rows_of_metric, axis=0))


def is_bad(fields: Mapping[str, Arrow], part: Context) -> Bools:
    """Where a point cannot become a row; the plain decoder says why."""
    time_ns = nanoseconds(fields["time_unix_nano"])
    is_row_bad: Bools = (time_ns == 0) | part.is_out_of_range(time_ns)
    for counts in (fields["bucket_counts"], *(_buckets(fields[side])[1] for side in ("positive", "negative"))):
        is_huge = numbers(counts.values).astype(np.uint64) > MAX_INT64
        if is_huge.any():
            huge_before = np.concatenate(([0], np.cumsum(is_huge)))
            is_row_bad |= np.diff(huge_before[offsets(counts)]) > 0
    return is_row_bad
