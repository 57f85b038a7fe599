"""An app with the stock SDK, told where to send by OTEL_* variables alone, that writes down what it sent.

Run as `app.py NOTES ROUNDS`: begins a round at each line of stdin, says `round N` when that is about to be sent, and
writes NOTES when all is delivered.
"""

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

TRACES_A_ROUND, SHARDS = 100, 10
# What must not get past the gateway; the tests look for it.
SECRETS = {
    "http.request.header.authorization": ["Bearer letmein-0123456789"],
    "note": "seen: card 4111 1111 1111 1111, header Bearer letmein-0123456789",
}
notes: dict[str, list[Any]] = {"spans": [], "logs": [], "points": [], "errors_and_slow": []}


class NotingExporter(OTLPMetricExporter):
    """The stock exporter; what it is given is noted."""

    def export(self, metrics_data: MetricsData, *args: Any, **options: Any) -> Any:
        for resource in metrics_data.resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                notes["points"] += [
                    [metric.name, str(point.attributes["shard"]), point.time_unix_nano]
                    for point in metric.data.data_points
                ]
        return super().export(metrics_data, *args, **options)


spans, records = TracerProvider(), LoggerProvider()
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
points = MeterProvider([PeriodicExportingMetricReader(NotingExporter(), export_interval_millis=3_600_000)])
set_logger_provider(records)
tracer = trace.get_tracer("app", tracer_provider=spans)
log = logging.getLogger("app")
log.addHandler(LoggingHandler(logger_provider=records))
meter = metrics.get_meter("app", meter_provider=points)
orders, seconds = meter.create_counter("orders"), meter.create_histogram("order.duration", "s")


def order(number: int) -> None:
    """A trace of two spans, some failed, some slow; a log record, every second with a name of its own; two points."""
    is_error, is_slow = number % 20 == 0, number % 25 == 0
    end_ns = time.time_ns()
    parent = tracer.start_span("POST /orders", start_time=end_ns - (1_500_000_000 if is_slow else 5_000_000))
    child = tracer.start_span("charge", trace.set_span_in_context(parent), start_time=end_ns - 2_000_000)
    child.set_attributes(SECRETS)
    parent.set_status(trace.StatusCode.ERROR if is_error else trace.StatusCode.UNSET)
    with trace.use_span(child):
        named = {"log.record.uid": f"app-{number}"} if number % 2 else {}
        log.warning("order %d", number, extra=SECRETS | named)
    child.end(end_ns)
    parent.end(end_ns)
    orders.add(1, {"shard": number % SHARDS})
    seconds.record(0.005, {"shard": number % SHARDS})

    sent = [span.get_span_context() for span in (parent, child)]
    notes["spans"] += [[f"{context.trace_id:032x}", f"{context.span_id:016x}"] for context in sent]
    notes["logs"].append([f"order {number}"])
    if is_error or is_slow:
        notes["errors_and_slow"].append(f"{sent[0].trace_id:032x}")


def main(path: Path, rounds: int) -> None:
    signal.alarm(300)  # nobody waits for it longer
    for number in range(rounds):
        sys.stdin.readline()
        for i in range(TRACES_A_ROUND):
            order(number * TRACES_A_ROUND + i)
        print("round", number + 1, flush=True)
        for provider in (spans, records, points):
            provider.force_flush(60_000)
    for provider in (spans, records, points):
        provider.shutdown()
    path.write_text(json.dumps(notes))


main(Path(sys.argv[1]), int(sys.argv[2]))
