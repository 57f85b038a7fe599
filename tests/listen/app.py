"""An app that a user has: the stock SDK and nothing of ours. Where it sends is said by OTEL_* variables alone."""

import logging
import os

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
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

spans, records = TracerProvider(), LoggerProvider()
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
points = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
set_logger_provider(records)

tracer = trace.get_tracer("app", tracer_provider=spans)
log = logging.getLogger("app")
log.addHandler(LoggingHandler(logger_provider=records))
orders = metrics.get_meter("app", meter_provider=points).create_counter("orders")
for number in range(1200):
    with tracer.start_as_current_span("GET /orders", kind=trace.SpanKind.SERVER, attributes={"order.id": number}):
        log.warning("order %d", number)
        orders.add(1)
for provider in (spans, records, points):
    provider.shutdown()
