// An app that a user has: the API, and nothing of ours. The SDK and where it sends are said by the environment alone.
const { metrics, SpanKind, trace } = require("@opentelemetry/api");
const { logs, SeverityNumber } = require("@opentelemetry/api-logs");

const ROUNDS = 300;
const tracer = trace.getTracer("app");
const log = logs.getLogger("app");
const orders = metrics.getMeter("app").createCounter("orders");
for (let number = 0; number < ROUNDS; number++) {
  tracer.startActiveSpan("GET /orders", { kind: SpanKind.SERVER, attributes: { "order.id": number } }, (span) => {
    log.emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body: `order ${number}` });
    orders.add(1);
    span.end();
  });
}
