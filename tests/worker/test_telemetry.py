"""The worker's own OpenTelemetry: sent where OTel's variables say, and known when it comes back."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines.decode.rules import Rules
from pipelines.errors import RunError, UsageError
from pipelines.payloads import Payload, Unreadable
from pipelines.sinks.lake import Lake
from pipelines.sources.compression import Limits
from pipelines.sources.pubsub import payload_of
from pipelines.worker.batch import Known, commit
from pipelines.worker.own import is_own
from pipelines.worker.report import Done
from pipelines.worker.telemetry import telemetry
from tests.listen.conftest import Listener, starting
from tests.pipeline.telemetry import as_json, rows, spans

SUBSCRIPTION = "projects/shop/subscriptions/otlp"
DONE = Done(3, 100, 1, 1, {"traces": 5, "logs": 2}, {}, 0.5, [0.4, 0.6, 400.0], 1_794_000_000_000_000_000)


@pytest.fixture
def listener(otelmart: str, tmp_path: Path) -> Iterator[Listener]:
    started = starting(otelmart, tmp_path)
    yield next(started)()
    next(started, None)


def message(data: bytes) -> Payload | Unreadable:
    return payload_of(data, {}, 1_795_000_000_000_000, "pubsub:test", Limits())


def own(first: int, *, others: int = 0) -> bytes:
    """Spans of a worker, and of other resources in the same request."""
    request = ExportTraceServiceRequest.FromString(spans(first))
    request.resource_spans[0].resource.attributes.add(key="otelmart.self").value.bool_value = True
    for i in range(others):
        request.MergeFromString(spans(first + 100 * (i + 1)))
    return request.SerializeToString()


def test_metrics_and_a_span_a_batch_reach_a_listener(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.http)
    found = telemetry(SUBSCRIPTION, os.environ)
    assert found
    found.add(Done())
    found.add(DONE)
    found.add(DONE)
    found.close()
    listener.stop()
    assert rows(
        listener.lake,
        "select service_name, name, kind, start_time_unix_nano, duration_ms, count(*) from traces group by all",
    ) == [("otelmart-worker", "commit batch", "CONSUMER", DONE.start_ns, 500.0, 2)]
    sums = rows(
        listener.lake, "select metric_name, value from metrics where metric_type = 'SUM' and len(attributes) = 0"
    )
    assert sorted(sums) == [
        ("otelmart.worker.batches", 2.0),
        ("otelmart.worker.bytes", 200.0),
        ("otelmart.worker.copies", 2.0),
        ("otelmart.worker.messages", 6.0),
    ]
    by_table = "select attributes[1].value, value from metrics where metric_name = 'otelmart.worker.rows' order by 1"
    assert rows(listener.lake, by_table) == [("logs", 4.0), ("traces", 10.0)]
    times = "select metric_name, count, sum from metrics where metric_type = 'HISTOGRAM' order by 1"
    assert rows(listener.lake, times) == [
        ("otelmart.worker.commit.duration", 2, 1.0),
        ("otelmart.worker.publish_to_commit", 6, 802.0),
    ]


def test_a_batch_of_the_workers_own_telemetry_gets_no_span(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.http)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    found = telemetry(SUBSCRIPTION, os.environ)
    assert found
    found.add(Done(7, 100, 0, 1, {"traces": 5}, {}, 0.5, [], 1, is_own=True))
    found.close()
    listener.stop()
    sent = "select service_name, value from metrics where metric_name = 'otelmart.worker.messages'"
    assert rows(listener.lake, sent) == [("mine", 7.0)]
    assert not list(listener.lake.glob("traces/*/*.parquet"))


def test_what_a_worker_sends_is_marked_as_its_own(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.http)
    found = telemetry(SUBSCRIPTION, os.environ)
    assert found
    found.add(DONE)
    found.close()
    listener.stop()
    is_marked = "list_contains(resource_attributes, {'key': 'otelmart.self', 'value': 'true'})"
    query = " union all ".join(f"select '{table}', {is_marked} from {table}" for table in ("traces", "metrics"))
    assert set(rows(listener.lake, query)) == {("traces", True), ("metrics", True)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (own(1), True),
        (own(1, others=1), False),
        (spans(1), False),
        (b"\x0a\xffotelmart.self", False),
        (as_json(spans(1)).replace(b"GET /cart", b"otelmart.self"), False),
        (b'{"resourceSpans":[{"resource":{"attributes":[{"key":"otelmart.self","value":{"boolValue":true}}]}}]}', True),
    ],
)
def test_own_telemetry_is_told_by_every_resource(data: bytes, expected: bool) -> None:
    assert is_own(message(data)) is expected


@pytest.mark.parametrize(
    ("bodies", "expected"), [([own(1), own(5)], True), ([own(1), spans(9)], False), ([own(1), b"\x0a\xff"], False)]
)
def test_a_batch_is_own_when_all_of_it_is_copies_included(tmp_path: Path, bodies: list[bytes], expected: bool) -> None:
    sink, known, rules = Lake(tmp_path), Known(), Rules.load(b"key")
    assert commit("a" * 20, map(message, bodies), sink, rules, known).is_own is expected
    assert commit("b" * 20, map(message, bodies), sink, rules, known).is_own is expected


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_SDK_DISABLED": "TRUE"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:4318", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://x:4318"},
    ],
)
def test_without_an_endpoint_nothing_is_sent(environment: dict[str, str]) -> None:
    assert telemetry(SUBSCRIPTION, environment) is None


def test_another_protocol_is_refused_with_the_cure() -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(UsageError, match=r"OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'.*http/protobuf: say so"):
        telemetry(SUBSCRIPTION, environment)


def test_without_the_extra_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(
        RunError, match=r"no opentelemetry\.exporter\S+: pip install 'otelmart\[otel\]', or set OTEL_SDK"
    ):
        telemetry(SUBSCRIPTION, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"})
