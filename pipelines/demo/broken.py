"""Telemetry that cannot become rows, and good rows beside it: what dead letters are for.

Comes on the last day from a service that nobody looks after, in the staging environment.
"""

from __future__ import annotations

import gzip
import json
import struct
from collections import Counter

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from pipelines.demo.catalog import NS_PER_DAY
from pipelines.demo.collector import Body, Collector
from pipelines.demo.otlp import any_value
from pipelines.demo.shop import HOUR_NS, Shop, utc_date
from pipelines.demo.truth import Plan

SERVICE, ENVIRONMENT = "inventory-service", "staging"
FAR_FUTURE_NS = 4_070_908_800 * 10**9  # 2099
FAR_PAST_NS = 1_420_070_400 * 10**9  # 2015
PROTOBUF, JSON = "application/x-protobuf", "application/json"


def write_broken(collector: Collector, shop: Shop) -> Plan:
    """Write all of it an hour before the shop closes; what was sent, and which dead letters must come of it."""
    plan, time_ns = Plan(), shop.end_ns - HOUR_NS
    for signal, request, good_rows, reasons in (_traces(plan, time_ns), _logs(plan, time_ns), _metrics(plan, time_ns)):
        body = Body(signal, False, request, time_ns + HOUR_NS // 6)
        collector.write_body(_path(signal, time_ns, "odd-rows"), body, "gzip", good_rows)
        for reason in reasons:
            plan.dead_letters[signal, reason, "row"] += 1
    for signal, name, data, content_type, encoding, reason in _messages(time_ns):
        collector.write_bytes(
            _path(signal, time_ns, name), data, signal, content_type, encoding, time_ns + HOUR_NS // 6
        )
        plan.dead_letters["unknown" if name in _UNKNOWN else signal, reason, "message"] += 1
    _truncated_file(collector, plan, time_ns)
    plan.sent = collector.sent
    return plan


def _path(signal: str, time_ns: int, name: str) -> str:
    return f"{signal}/{utc_date(time_ns)}/broken-{name}"


def _traces(plan: Plan, time_ns: int) -> tuple[str, bytes, Counter[str], list[str]]:
    """Two good spans among seven bad ones."""
    good = {"trace_id": bytes(range(1, 17)), "span_id": bytes(range(1, 9)), "name": "count stock", "kind": 1}
    times = {"start_time_unix_nano": time_ns, "end_time_unix_nano": time_ns + 40_000_000}
    bad: dict[str, dict[str, object]] = {
        "start_time_unknown": {"start_time_unix_nano": 0},
        "time_out_of_range": {"start_time_unix_nano": FAR_FUTURE_NS, "end_time_unix_nano": FAR_FUTURE_NS + 1},
        "bad_trace_id": {"trace_id": b"12345678"},
        "bad_span_id": {"span_id": b"1234"},
        "bad_parent_span_id": {"parent_span_id": b"123"},
    }
    spans = [trace_pb2.Span(**{**good, **times, **wrong}) for wrong in bad.values()]  # type: ignore[arg-type]
    spans.append(trace_pb2.Span(**{**good, **times, "start_time_unix_nano": FAR_PAST_NS}))  # type: ignore[arg-type]
    spans.append(trace_pb2.Span(**{**good, **times, "span_id": bytes(8)}))  # type: ignore[arg-type]
    for position in (1, 4):
        spans.insert(position, trace_pb2.Span(**{**good, **times, "span_id": bytes([position] * 8)}))  # type: ignore[arg-type]
    day = utc_date(time_ns)
    plan.spans[ENVIRONMENT, SERVICE, "INTERNAL", "UNSET", day] += 2
    scope = trace_pb2.ScopeSpans(spans=spans)
    request = ExportTraceServiceRequest(
        resource_spans=[trace_pb2.ResourceSpans(resource=_resource(), scope_spans=[scope])]
    )
    return "traces", request.SerializeToString(), Counter({day: 2}), [*bad, "time_out_of_range", "bad_span_id"]


def _logs(plan: Plan, time_ns: int) -> tuple[str, bytes, Counter[str], list[str]]:
    """Two good records, one of them without any time, among three bad ones."""
    text = {"severity_text": "INFO", "severity_number": 9, "body": any_value("stock counted")}
    records = [
        logs_pb2.LogRecord(**text, time_unix_nano=time_ns),  # type: ignore[arg-type]
        logs_pb2.LogRecord(**text, time_unix_nano=time_ns, trace_id=b"12345"),  # type: ignore[arg-type]
        logs_pb2.LogRecord(**text, time_unix_nano=time_ns, trace_id=bytes(range(16)), span_id=b"1"),  # type: ignore[arg-type]
        logs_pb2.LogRecord(**text, time_unix_nano=FAR_FUTURE_NS),  # type: ignore[arg-type]
        logs_pb2.LogRecord(**text),  # type: ignore[arg-type]
    ]
    day = utc_date(time_ns)
    plan.logs[ENVIRONMENT, SERVICE, "INFO", day] += 2
    scope = logs_pb2.ScopeLogs(log_records=records)
    request = ExportLogsServiceRequest(resource_logs=[logs_pb2.ResourceLogs(resource=_resource(), scope_logs=[scope])])
    return "logs", request.SerializeToString(), Counter({day: 2}), ["bad_trace_id", "bad_span_id", "time_out_of_range"]


def _metrics(plan: Plan, time_ns: int) -> tuple[str, bytes, Counter[str], list[str]]:
    """One good point between two bad ones."""
    points = [metrics_pb2.NumberDataPoint(time_unix_nano=t, as_int=7) for t in (0, time_ns, time_ns + 30 * NS_PER_DAY)]
    metric = metrics_pb2.Metric(name="stock.level", unit="{item}", gauge=metrics_pb2.Gauge(data_points=points))
    day = utc_date(time_ns)
    plan.metric_points["stock.level", "GAUGE", day] += 1
    scope = metrics_pb2.ScopeMetrics(metrics=[metric])
    group = metrics_pb2.ResourceMetrics(resource=_resource(), scope_metrics=[scope])
    request = ExportMetricsServiceRequest(resource_metrics=[group])
    return "metrics", request.SerializeToString(), Counter({day: 1}), ["point_time_unknown", "time_out_of_range"]


_UNKNOWN = ("damaged.bin.gz", "greeting.bin")


def _messages(time_ns: int) -> list[tuple[str, str, bytes, str, str, str]]:
    """(signal, name, bytes, content type, encoding, reason) of messages that nobody can read."""
    spans, logs = (
        _span_request(time_ns, 3),
        ExportLogsServiceRequest(resource_logs=[logs_pb2.ResourceLogs(resource=_resource())]),
    )
    for number in range(3):
        logs.resource_logs[0].scope_logs.add().log_records.add(time_unix_nano=time_ns, body=any_value(f"line {number}"))
    document = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "00ff", "name": "café"}]}]}]})
    return [
        ("traces", "cut.bin", spans[:-5], PROTOBUF, "", "bad_protobuf"),
        ("logs", "cut.bin", logs.SerializeToString()[:-4], PROTOBUF, "", "bad_protobuf"),
        ("traces", "cut.json", document[:-6].encode(), JSON, "", "bad_json"),
        ("logs", "wrong-type.json", b'{"resourceLogs": [{"scopeLogs": 5}]}', JSON, "", "bad_json"),
        ("traces", "damaged.bin.gz", _scratched(gzip.compress(spans, 1, mtime=0)), PROTOBUF, "gzip", "bad_compression"),
        ("logs", "greeting.bin", b"hello, is this the collector?\n", PROTOBUF, "", "unknown_signal"),
    ]


def _scratched(data: bytes) -> bytes:
    """The same bytes with some in the middle turned over."""
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0xFF for byte in data[middle : middle + 9]) + data[middle + 9 :]


def _truncated_file(collector: Collector, plan: Plan, time_ns: int) -> None:
    """A length-delimited file whose writer was killed: one whole message of two spans, and half of another."""
    whole, half = _span_request(time_ns, 2), _span_request(time_ns, 9)
    data = struct.pack(">I", len(whole)) + whole + struct.pack(">I", len(half)) + half[: len(half) // 2]
    day = utc_date(time_ns)
    collector.count("traces", Counter({day: 2}))
    plan.spans[ENVIRONMENT, SERVICE, "INTERNAL", "UNSET", day] += 2
    plan.dead_letters["unknown", "truncated_file", "message"] += 1
    collector.write_bytes(_path("traces", time_ns, "killed.pb"), data, "traces", PROTOBUF, "", time_ns + HOUR_NS // 6)


def _span_request(time_ns: int, span_count: int) -> bytes:
    """A request of good spans, one resource each, so that a cut one still looks like spans."""
    request = ExportTraceServiceRequest()
    for number in range(1, span_count + 1):
        span = request.resource_spans.add(resource=_resource()).scope_spans.add().spans.add(name="count stock", kind=1)
        span.trace_id, span.span_id = bytes([span_count] * 16), bytes([number] * 8)
        span.start_time_unix_nano, span.end_time_unix_nano = time_ns, time_ns + 5_000_000
    return request.SerializeToString()


def _resource() -> Resource:
    attributes = {"service.name": SERVICE, "service.namespace": "shop", "deployment.environment": ENVIRONMENT}
    return Resource(attributes=[KeyValue(key=k, value=any_value(v)) for k, v in attributes.items()])
