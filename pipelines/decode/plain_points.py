"""A metric data point → a row of `metrics`, in plain Python."""

from collections.abc import Iterable
from typing import Any

from pipelines import tables
from pipelines.decode.bad_rows import bad_row
from pipelines.decode.plain import Context, Row, Source, pair_lanes
from pipelines.decode.scalars import (
    INT64_MAX,
    METRIC_TYPES,
    TEMPORALITIES,
    enum_text,
    hex_id,
    int64,
    metric_hash,
    series_id,
    time_us,
    utf8,
)

NO_RECORDED_VALUE = 1  # opentelemetry-proto metrics.proto, DataPointFlags: FLAG_NO_RECORDED_VALUE_MASK


def check(point: Any, kind: str, source: Source) -> None:
    """Raises bad_row for a point that cannot become a row."""
    if not point.time_unix_nano:
        raise bad_row("point_time_unknown")
    source.check_time(point.time_unix_nano)
    if any(count > INT64_MAX for count in _bucket_counts(kind, point)):
        raise bad_row("count_out_of_range")


def _bucket_counts(kind: str, point: Any) -> Iterable[int]:
    if kind == "histogram":
        return list(point.bucket_counts)
    if kind == "exponential_histogram":
        return [*point.positive.bucket_counts, *point.negative.bucket_counts]
    return []


def metric_columns(metric: Any, kind: str, source: Source) -> Row:
    """Columns that are equal for every point of a metric; `kind` is the member of Metric.data."""
    data = getattr(metric, kind)
    has_temporality = kind in ("sum", "histogram", "exponential_histogram")
    return {
        "metric_name": utf8(metric.name),
        "metric_description": utf8(metric.description) or None,
        "unit": utf8(metric.unit) or None,
        "metric_type": METRIC_TYPES[kind],
        "temporality": enum_text(TEMPORALITIES, data.aggregation_temporality) if has_temporality else None,
        "is_monotonic": data.is_monotonic if kind == "sum" else None,
        "metric_metadata": source.attributes(metric.metadata),
    }


def row(point: Any, kind: str, metric: Row, context: Context) -> tuple[Row, int]:
    """The row, without those columns that all rows of its scope share, and its count of wrong types."""
    attributes = context.source.attributes(point.attributes)
    promoted, wrong_type_count = context.promoted(attributes)
    start_us = time_us(point.start_time_unix_nano)
    own = {
        "start_time": start_us,
        "time": time_us(point.time_unix_nano),
        "start_time_unix_nano": None if start_us is None else point.start_time_unix_nano,
        "time_unix_nano": point.time_unix_nano,
        "exemplars": [_exemplar(each, context.source) for each in getattr(point, "exemplars", [])],
        "flags": point.flags,
        "has_no_recorded_value": bool(point.flags & NO_RECORDED_VALUE),
        "series_id": _series_id(metric, pair_lanes("point", attributes), context),
        "attributes": attributes,
    }
    return {**_EMPTY_LISTS, **promoted, **metric, **own, **_VALUES[kind](point)}, wrong_type_count


_EMPTY_LISTS: Row = {f["name"]: [] for f in tables.table("metrics")["schema"]["fields"] if f["mode"] == "REPEATED"}


def _series_id(metric: Row, point_lanes: tuple[int, int], context: Context) -> str:
    header = metric_hash(
        metric["metric_name"], metric["unit"], metric["metric_type"], metric["temporality"], metric["is_monotonic"]
    )
    lanes = (context.lanes, header, point_lanes)
    return series_id(sum(low for low, _ in lanes), sum(high for _, high in lanes))


def _number(point: Any) -> Row:
    kind = point.WhichOneof("value")
    return {
        "value": None if kind is None else float(getattr(point, kind)),
        "value_int": point.as_int if kind == "as_int" else None,
    }


def _exemplar(exemplar: Any, source: Source) -> Row:
    at_us = time_us(exemplar.time_unix_nano)
    return {
        "time": at_us,
        "time_unix_nano": None if at_us is None else exemplar.time_unix_nano,
        **_number(exemplar),
        "trace_id": hex_id(exemplar.trace_id),
        "span_id": hex_id(exemplar.span_id),
        "filtered_attributes": source.attributes(exemplar.filtered_attributes),
    }


def _observations(point: Any) -> Row:
    sent = {name: getattr(point, name) if point.HasField(name) else None for name in ("sum", "min", "max")}
    return {"count": int64(point.count), **sent}


def _histogram(point: Any) -> Row:
    return {
        **_observations(point),
        "bucket_counts": list(point.bucket_counts),
        "explicit_bounds": list(point.explicit_bounds),
    }


def _exponential_histogram(point: Any) -> Row:
    return {
        **_observations(point),
        "scale": point.scale,
        "zero_count": int64(point.zero_count),
        "zero_threshold": point.zero_threshold,
        "positive_offset": point.positive.offset if point.HasField("positive") else None,
        "positive_bucket_counts": list(point.positive.bucket_counts),
        "negative_offset": point.negative.offset if point.HasField("negative") else None,
        "negative_bucket_counts": list(point.negative.bucket_counts),
    }


def _summary(point: Any) -> Row:
    return {
        "count": int64(point.count),
        "sum": point.sum,
        "quantiles": [{"quantile": each.quantile, "value": each.value} for each in point.quantile_values],
    }


_VALUES = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential_histogram,
    "summary": _summary,
}
