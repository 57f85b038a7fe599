"""Rows that cannot become rows: why, and the OTLP request that holds just that row, ready to be replayed alone."""

from functools import partial
from typing import Any

from pipelines.decode import messages
from pipelines.errors import BadMessage
from pipelines.payloads import Signal

REASONS = {
    "bad_trace_id": "trace_id is neither 16 bytes nor, where that is allowed, absent",
    "bad_span_id": "span_id is neither 8 bytes nor, where that is allowed, absent",
    "bad_parent_span_id": "parent_span_id is neither 8 bytes nor absent",
    "start_time_unknown": "start_time_unix_nano is 0, so no partition can hold the span",
    "point_time_unknown": "time_unix_nano is 0, so no partition can hold the point",
    "time_out_of_range": "the time is too far from the receive time, or above 2^63-1 ns",
    "count_out_of_range": "a bucket count is above 2^63-1",
}
TOO_LARGE = "expands_too_much"
TOO_LARGE_TEXT = "the rows, each with its resource, scope and metric, would take many times the bytes of the message"


def bad_row(reason: str) -> BadMessage:
    """The error of a row, with the sentence for its reason."""
    return BadMessage(reason, REASONS[reason])


def expansion_limit_bytes(message_bytes: int) -> int:
    """How many bytes of resource, scope and metric the rows of a message may repeat together.

    One huge resource over a million tiny rows would fill any memory; past this the message becomes one dead letter."""
    return (64 << 20) + 64 * message_bytes


def repeated_bytes(signal: Signal, request: Any) -> int:
    """Bytes of resource, scope and metric that the rows of a request repeat, were each row sent alone."""
    total = 0
    for resource in getattr(request, messages.RESOURCES[signal]):
        resource_bytes = resource.resource.ByteSize()
        for scope in getattr(resource, messages.SCOPES[signal]):
            each_bytes = resource_bytes + scope.scope.ByteSize()
            items = getattr(scope, messages.ITEMS[signal])
            total += (
                sum(map(partial(_point_bytes, each_bytes), items)) if signal == "metrics" else each_bytes * len(items)
            )
    return total


def _point_bytes(above_bytes: int, metric: Any) -> int:
    kind = metric.WhichOneof("data")
    points = getattr(metric, kind).data_points if kind else []
    header_bytes = len(metric.name) + len(metric.description) + len(metric.unit)
    each_bytes: int = above_bytes + header_bytes + sum(pair.ByteSize() for pair in metric.metadata)
    return len(points) * each_bytes


def single_row_request(signal: Signal, resource: Any, scope: Any, item: Any) -> bytes:
    """Request with one span, log record or metric (of one point) and the resource and scope that it was sent under.

    `resource` is the ResourceSpans, ResourceLogs or ResourceMetrics around it, `scope` the level below."""
    request = messages.REQUESTS[signal]()
    single_resource = getattr(request, messages.RESOURCES[signal]).add(schema_url=resource.schema_url)
    if resource.HasField("resource"):
        single_resource.resource.CopyFrom(resource.resource)
    single_scope = getattr(single_resource, messages.SCOPES[signal]).add(schema_url=scope.schema_url)
    if scope.HasField("scope"):
        single_scope.scope.CopyFrom(scope.scope)
    getattr(single_scope, messages.ITEMS[signal]).add().CopyFrom(item)
    data: bytes = request.SerializeToString()
    return data


def single_point(metric: Any, kind: str, point: Any) -> Any:
    """The metric with one of its points; `kind` is the member of Metric.data."""
    single = type(metric)()
    for field in ("name", "description", "unit"):
        setattr(single, field, getattr(metric, field))
    single.metadata.extend(metric.metadata)
    data = getattr(metric, kind)
    for field, value in data.ListFields():
        if field.name != "data_points":
            setattr(getattr(single, kind), field.name, value)
    getattr(single, kind).data_points.add().CopyFrom(point)
    return single
