"""The worker's own OpenTelemetry: metrics, and a span a batch, to the endpoint of OTel's environment variables.

Off unless such a variable is set. The supervisor sends, so no commit waits for it. When the endpoint leads back into
the pipeline, a batch that holds nothing but the worker's own telemetry gets no span: the loop dies out. Metrics come
at their interval, whatever is in a batch.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pipelines.errors import RunError, UsageError
from pipelines.worker.own import SELF
from pipelines.worker.report import DELAY_BOUNDS_SECONDS, Done

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

SERVICE_NAME: Final = "otelmart-worker"
SIGNALS: Final = ("TRACES", "METRICS")
PROTOCOL: Final = "http/protobuf"
_COUNTERS = {
    "messages": ("message_count", "{message}", "Messages committed and acknowledged."),
    "bytes": ("byte_count", "By", "Uncompressed bytes of committed messages."),
    "copies": ("copy_count", "{message}", "Messages acknowledged without writing: the ledger had them."),
    "batches": ("batch_count", "{batch}", "Committed batches."),
}


class Telemetry:
    """Tells what batches were. `spans` and `metrics` are None where they are not wanted."""

    def __init__(self, subscription: str, spans: "TracerProvider | None", metrics: "MeterProvider | None") -> None:
        from opentelemetry.metrics import NoOpMeterProvider
        from opentelemetry.trace import NoOpTracerProvider

        self._subscription, self._providers = subscription, [each for each in (spans, metrics) if each]
        self._tracer = (spans or NoOpTracerProvider()).get_tracer("otelmart.worker")
        meter = (metrics or NoOpMeterProvider()).get_meter("otelmart.worker")
        self._counters = {
            key: meter.create_counter(f"otelmart.worker.{name}", unit, text)
            for name, (key, unit, text) in _COUNTERS.items()
        }
        self._rows = meter.create_counter("otelmart.worker.rows", "{row}", "Committed rows, by table.")
        self._left_out = meter.create_counter(
            "otelmart.worker.left_out_values", "{value}", "Values the table has no column for."
        )
        self._commit = meter.create_histogram("otelmart.worker.commit.duration", "s", "Time of a commit.")
        self._delay = meter.create_histogram(
            "otelmart.worker.publish_to_commit",
            "s",
            "From a message's publish time to the commit of its batch.",
            explicit_bucket_boundaries_advisory=DELAY_BOUNDS_SECONDS,
        )

    def add(self, done: Done) -> None:
        """Takes what one process told."""
        if not done.batch_count:
            return
        for key, counter in self._counters.items():
            counter.add(getattr(done, key))
        for table, count in done.row_counts.items():
            self._rows.add(count, {"table": table})
        for place, count in done.left_out_counts.items():
            self._left_out.add(count, dict(zip(("table", "column"), place.split(".", 1), strict=True)))
        self._commit.record(done.commit_seconds)
        for delay in done.delays:
            self._delay.record(delay)
        if not done.is_own:
            self._add_span(done)

    def close(self) -> None:
        """Sends what is left; may take as long as OTEL_EXPORTER_OTLP_TIMEOUT says."""
        for provider in self._providers:
            provider.shutdown()

    def _add_span(self, done: Done) -> None:
        from opentelemetry.trace import SpanKind

        attributes: dict[str, str | int] = {
            "messaging.system": "gcp_pubsub",
            "messaging.operation.type": "process",
            "messaging.destination.subscription.name": self._subscription,
            "messaging.batch.message_count": done.message_count,
            "otelmart.bytes": done.byte_count,
            "otelmart.copies": done.copy_count,
        }
        attributes |= {f"otelmart.rows.{table}": count for table, count in done.row_counts.items()}
        span = self._tracer.start_span(
            "commit batch", kind=SpanKind.CONSUMER, attributes=attributes, start_time=done.start_ns
        )
        span.end(done.start_ns + int(done.commit_seconds * 1e9))


def telemetry(subscription: str, environment: Mapping[str, str]) -> Telemetry | None:
    """As OTel's environment variables say; None unless they name an endpoint. Raises UsageError, RunError."""
    signals = [signal for signal in SIGNALS if _is_wanted(signal, environment)]
    for signal in signals:
        names = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"
        name = next((name for name in names if environment.get(name)), "")
        if name and environment[name] != PROTOCOL:
            raise UsageError(
                f"{name} is {environment[name]!r}, but the worker sends its own telemetry by {PROTOCOL}: say so, with "
                "the endpoint for it, mostly port 4318"
            )
    if not signals:
        return None
    try:
        return _sending(subscription, signals, environment)
    except ModuleNotFoundError as error:
        raise RunError(
            f"OTEL_EXPORTER_OTLP_*ENDPOINT is set, but there is no {error.name}: "
            "pip install 'otelmart[otel]', or set OTEL_SDK_DISABLED=true"
        ) from None


def _is_wanted(signal: str, environment: Mapping[str, str]) -> bool:
    names = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    is_off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not is_off and environment.get(f"OTEL_{signal}_EXPORTER") != "none" and any(map(environment.get, names))


def _sending(subscription: str, signals: Sequence[str], environment: Mapping[str, str]) -> Telemetry:
    """The SDK reads endpoints, headers, timeouts and intervals from the environment by itself."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    is_named = "OTEL_SERVICE_NAME" in environment or "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({SELF: True} | ({} if is_named else {"service.name": SERVICE_NAME}))
    spans = metrics = None
    if "TRACES" in signals:
        spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if "METRICS" in signals:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        metrics = MeterProvider([reader], resource, shutdown_on_exit=False)
    return Telemetry(subscription, spans, metrics)
