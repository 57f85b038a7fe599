// A page that a user has: the stock SDK for browsers and nothing of ours. The bundler puts the variables in.
import { SpanKind } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const ROUNDS = 300;
const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
const to = (signal) => ({ url: `${endpoint}/v1/${signal}` });
const resource = defaultResource().merge(resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME }));
const spans = new WebTracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(to("traces")))],
});
const records = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(to("logs")) })],
});
const points = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(to("metrics")) })],
});

const tracer = spans.getTracer("app");
const log = records.getLogger("app");
const orders = points.getMeter("app").createCounter("orders");
for (let number = 0; number < ROUNDS; number++) {
  const span = tracer.startSpan("GET /orders", { kind: SpanKind.CLIENT, attributes: { "order.id": number } });
  log.emit({ severityNumber: SeverityNumber.WARN, body: `order ${number}` });
  orders.add(1);
  span.end();
}
Promise.all([spans.shutdown(), records.shutdown(), points.shutdown()]).then(() => {
  document.title = "sent";
});
