"""Seeded OTLP requests as a busy shop sends them, for benchmarks and equality tests: ~580 bytes a span, ~12 attributes.

Values repeat as they do in production: services, routes and hosts much, users and clients some, ids never. The
high-cardinality variant makes 60 % of the texts and numbers unique, which is the worst case for dictionaries.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS = 1_760_000_000_000_000_000
MINUTE_NS = 60_000_000_000
SERVICES = ("frontend", "checkout", "cart", "payment", "catalog", "currency", "shipping", "quote", "email", "fraud")
ROUTES = ("/api/cart", "/api/checkout", "/api/products/{id}", "/api/currency", "/healthz", "/api/users/{id}/orders")
METHODS = ("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE")
STATUSES = (200,) * 14 + (201, 204, 304, 400, 404, 500, 503)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1{}.0.0.0 Safari/537.36"
SCOPES = ("io.opentelemetry.tomcat-10.0", "opentelemetry.instrumentation.requests", "go.opentelemetry.io/otelhttp")
SELECT = (
    "SELECT o.id, o.total, o.status FROM orders o JOIN customers c ON c.id = o.customer_id "
    "WHERE c.id = $1 AND o.created_at > $2 ORDER BY o.created_at DESC LIMIT {}"
)
STACK = "Traceback (most recent call last):\n" + "".join(
    f'  File "/app/{module}.py", line {{0}}, in {function}\n    return self.{function}(order, timeout=self.timeout)\n'
    for module, function in (
        ("checkout/handlers", "place_order"),
        ("clients/payment", "charge"),
        ("grpc/channel", "end"),
    )
)
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

Attributes = Mapping[str, Any]


def trace_requests(
    request_count: int, spans_per_request: int = 512, *, high_cardinality: bool = False, seed: int = 7
) -> list[bytes]:
    """Serialised trace requests; the same arguments give the same bytes."""
    return _requests(seed, request_count, spans_per_request, ExportTraceServiceRequest, _fill_traces, high_cardinality)


def log_requests(request_count: int, records_per_request: int = 512, *, seed: int = 7) -> list[bytes]:
    return _requests(seed, request_count, records_per_request, ExportLogsServiceRequest, _fill_logs)


def metric_requests(request_count: int, points_per_request: int = 512, *, seed: int = 7) -> list[bytes]:
    return _requests(seed, request_count, points_per_request, ExportMetricsServiceRequest, _fill_metrics)


def _requests(
    seed: int,
    request_count: int,
    row_count: int,
    message: Any,
    fill: Callable[..., None],
    high_cardinality: bool = False,
) -> list[bytes]:
    rng = random.Random(seed)
    requests = []
    for i in range(request_count):
        request = message()
        fill(request, rng, row_count, START_NS + i * 1_000_000_000)
        if high_cardinality:
            _make_unique(request, rng)
        requests.append(request.SerializeToString())
    return requests


def _fill_traces(request: Any, rng: random.Random, span_count: int, start_ns: int) -> None:
    for service, count in _shares(rng, span_count):
        resource_spans = request.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.26.0")
        _put(resource_spans.resource.attributes, _resource(rng, service))
        is_new_convention = rng.random() < 0.6
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name, scope_spans.scope.version = rng.choice(SCOPES), "0.54b0"
        trace_id, parent = rng.randbytes(16), b""
        for _ in range(count):
            if rng.random() < 0.12:
                trace_id, parent = rng.randbytes(16), b""
            span = scope_spans.spans.add(
                trace_id=trace_id, span_id=rng.randbytes(8), parent_span_id=parent, flags=0x101
            )
            parent = span.span_id
            _fill_span(span, rng, start_ns + rng.randrange(MINUTE_NS), is_new_convention)


def _fill_span(span: Any, rng: random.Random, start_ns: int, is_new_convention: bool) -> None:
    span.kind = rng.choices((1, 2, 3, 4, 5), (30, 30, 30, 5, 5))[0]
    attributes = _span_attributes(rng, span.kind, is_new_convention)
    method = attributes.get("http.request.method") or attributes.get("http.method") or "db"
    span.name = f"{method} {attributes.get('http.route') or attributes.get('db.operation') or 'op'}"
    span.start_time_unix_nano = start_ns
    span.end_time_unix_nano = start_ns + int(rng.lognormvariate(15.5, 1.5))
    _put(span.attributes, attributes)
    span.status.SetInParent()
    if rng.random() < 0.05:
        span.trace_state = "rojo=00f067aa0ba902b7"
    if "error.type" in attributes or rng.random() < 0.02:
        span.status.code, span.status.message = 2, "upstream unavailable"
        _put(span.events.add(time_unix_nano=start_ns + 1000, name="exception").attributes, _exception(rng))
    if rng.random() < 0.15:
        event = span.events.add(time_unix_nano=start_ns + 5000, name=rng.choice(("message", "cache.miss", "retry")))
        _put(
            event.attributes,
            {"message.id": rng.randrange(3), "message.type": "SENT", "message.size": rng.randrange(5000)},
        )
    if span.kind == 5 and rng.random() < 0.5:
        link = span.links.add(trace_id=rng.randbytes(16), span_id=rng.randbytes(8), flags=0x101)
        _put(link.attributes, {"messaging.operation": "process"})


def _span_attributes(rng: random.Random, kind: int, is_new_convention: bool) -> dict[str, Any]:
    kind_of_work = rng.random()
    if kind in (2, 3) and kind_of_work < 0.6:
        attributes = (_http if is_new_convention else _old_http)(rng, kind)
    else:
        attributes = _database(rng) if kind_of_work < 0.85 else _rpc(rng)
    attributes |= {"thread.id": rng.randrange(1, 200), "thread.name": f"worker-{rng.randrange(32)}"}
    if rng.random() < 0.5:
        attributes["app.flag.enabled"] = rng.random() < 0.5
    if rng.random() < 0.3:
        attributes["app.tenant"] = f"tenant-{rng.randrange(50)}"
    return attributes


def _http(rng: random.Random, kind: int) -> dict[str, Any]:
    route, user = rng.choice(ROUTES), rng.randrange(5000)
    path, status = route.replace("{id}", str(rng.randrange(2000))), rng.choice(STATUSES)
    attributes = {
        "http.request.method": rng.choice(METHODS), "url.scheme": "https", "url.path": path,
        "http.response.status_code": status, "server.address": "shop.example.com", "server.port": 443,
        "network.protocol.version": "1.1", "user_agent.original": BROWSER.format(user % 40), "user.id": f"user-{user}",
    }  # fmt: skip
    if kind == 2:
        attributes |= {"http.route": route, "client.address": f"10.1.{user // 250}.{user % 250}", "url.query": "page=2"}
    else:
        attributes["url.full"] = f"https://shop.example.com{path}"
    return attributes | ({"error.type": str(status)} if status >= 500 else {})


def _old_http(rng: random.Random, _kind: int) -> dict[str, Any]:
    user, path = rng.randrange(5000), rng.choice(ROUTES).replace("{id}", str(rng.randrange(2000)))
    return {
        "http.method": rng.choice(METHODS), "http.scheme": "https", "http.target": path,
        "http.status_code": rng.choice(STATUSES), "http.host": "shop.example.com", "net.peer.port": 443,
        "http.flavor": "1.1", "http.user_agent": BROWSER.format(user % 40), "enduser.id": f"user-{user}",
        "http.url": f"https://shop.example.com{path}", "net.peer.ip": f"10.1.{user // 250}.{user % 250}",
    }  # fmt: skip


def _database(rng: random.Random) -> dict[str, Any]:
    return {
        "db.system": "postgresql", "db.name": "shop", "db.operation": "SELECT",
        "db.statement": SELECT.format(rng.randrange(10, 100)), "db.rows": rng.randrange(1000),
        "server.address": "pg-primary.shop.svc", "server.port": 5432, "db.connection.pool": "main",
        "db.wait_ms": rng.random() * 10,
    }  # fmt: skip


def _rpc(rng: random.Random) -> dict[str, Any]:
    return {
        "rpc.system": "grpc", "rpc.service": "shop.PaymentService", "rpc.method": "Charge", "rpc.grpc.status_code": 0,
        "app.order.id": f"{rng.getrandbits(32):08x}-{rng.getrandbits(48):012x}",
        "user.id": f"user-{rng.randrange(5000)}",
        "app.payment.method": rng.choice(("visa", "amex", "paypal")), "app.order.amount": round(rng.random() * 500, 2),
        "app.items": [rng.choice(("SKU-1", "SKU-22", "SKU-333")) for _ in range(rng.randrange(1, 4))],
    }  # fmt: skip


def _exception(rng: random.Random) -> dict[str, Any]:
    return {
        "exception.type": "grpc.RpcError", "exception.message": "failed to connect to all addresses",
        "exception.stacktrace": STACK.format(rng.randrange(40)), "exception.escaped": "False",
    }  # fmt: skip


def _resource(rng: random.Random, service: str) -> dict[str, Any]:
    pod = rng.randrange(40)
    return {
        "service.name": service, "service.version": f"1.{rng.randrange(9)}.0", "service.namespace": "shop",
        "service.instance.id": f"{pod:032x}", "deployment.environment.name": rng.choice(("production", "staging")),
        "host.name": f"node-{pod:02d}", "k8s.pod.name": f"{service}-{pod:05x}", "k8s.namespace.name": "shop",
        "k8s.deployment.name": service, "cloud.provider": "gcp", "cloud.region": "europe-west4",
        "telemetry.sdk.language": rng.choice(("go", "java", "python", "nodejs")), "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.38.0", "process.pid": 1000 + pod,
    }  # fmt: skip


def _fill_logs(request: Any, rng: random.Random, record_count: int, start_ns: int) -> None:
    for service, count in _shares(rng, record_count):
        resource_logs = request.resource_logs.add()
        _put(resource_logs.resource.attributes, _resource(rng, service))
        scope_logs = resource_logs.scope_logs.add()
        scope_logs.scope.name, scope_logs.scope.version = f"com.example.{service}", "2.1.0"
        for _ in range(count):
            at_ns = start_ns + rng.randrange(MINUTE_NS)
            _fill_record(scope_logs.log_records.add(time_unix_nano=at_ns, observed_time_unix_nano=at_ns + 1000), rng)


def _fill_record(record: Any, rng: random.Random) -> None:
    number, record.severity_text = rng.choices(((5, "DEBUG"), (9, "INFO"), (13, "WARN"), (17, "ERROR")), (1, 7, 1, 1))[
        0
    ]
    record.severity_number = number
    if rng.random() < 0.1:
        order = {"id": f"{rng.getrandbits(32):08x}", "total": rng.random() * 100, "lines": rng.randrange(9)}
        _set(record.body, {"event": "order.placed", "order": order, "ok": True})
    else:
        took_ms = rng.random() * 100
        record.body.string_value = f"GET /api/cart/{rng.randrange(100000)} completed in {took_ms:.3f} ms status=200"
    attributes = {
        "log.file.name": "app.log", "logger.name": "com.example.CartController", "code.function": "getCart",
        "code.lineno": rng.randrange(1000), "thread.name": f"worker-{rng.randrange(32)}", "http.request.method": "GET",
    }  # fmt: skip
    _put(record.attributes, attributes | (_exception(rng) if number == 17 else {}))
    if rng.random() < 0.7:
        record.trace_id, record.span_id, record.flags = rng.randbytes(16), rng.randbytes(8), 1


def _fill_metrics(request: Any, rng: random.Random, point_count: int, start_ns: int) -> None:
    for service, count in _shares(rng, point_count):
        resource_metrics = request.resource_metrics.add()
        _put(resource_metrics.resource.attributes, _resource(rng, service))
        scope_metrics = resource_metrics.scope_metrics.add()
        scope_metrics.scope.name = "otelhttp"
        while count > 0:
            points = min(count, rng.randrange(2, 12))
            _fill_metric(scope_metrics.metrics.add(), rng, service, points, start_ns)
            count -= points


def _fill_metric(metric: Any, rng: random.Random, service: str, point_count: int, start_ns: int) -> None:
    kind = rng.choices(tuple(_FILL_POINT), (30, 30, 25, 10, 5))[0]
    metric.name, metric.unit = f"{service}.{kind}.{rng.randrange(40)}", rng.choice(("s", "By", "1"))
    data = getattr(metric, kind)
    if kind == "sum":
        data.is_monotonic = True
    if kind not in ("gauge", "summary"):
        data.aggregation_temporality = 2
    for _ in range(point_count):
        point = data.data_points.add(start_time_unix_nano=start_ns, time_unix_nano=start_ns + MINUTE_NS)
        _put(point.attributes, {"http.request.method": rng.choice(METHODS), "http.route": rng.choice(ROUTES),
                                "http.response.status_code": 200, "server.address": "shop.example.com"})  # fmt: skip
        _FILL_POINT[kind](point, rng)


def _fill_number(point: Any, rng: random.Random) -> None:
    if rng.random() < 0.5:
        point.as_int = rng.randrange(1 << 30)
    else:
        point.as_double = rng.random() * 1000
    if rng.random() < 0.05:
        point.exemplars.add(
            as_double=1.5, time_unix_nano=START_NS, trace_id=rng.randbytes(16), span_id=rng.randbytes(8)
        )


def _fill_histogram(point: Any, rng: random.Random) -> None:
    point.bucket_counts.extend(rng.randrange(100) for _ in range(len(BOUNDS) + 1))
    point.explicit_bounds.extend(BOUNDS)
    point.count, point.sum, point.min, point.max = sum(point.bucket_counts), rng.random() * 1e4, 0.001, 9.0


def _fill_exponential(point: Any, rng: random.Random) -> None:
    point.positive.bucket_counts.extend(rng.randrange(100) for _ in range(40))
    point.positive.offset, point.scale, point.zero_count = -10, 3, 2
    point.count, point.sum = sum(point.positive.bucket_counts) + 2, rng.random() * 1e4


def _fill_summary(point: Any, rng: random.Random) -> None:
    point.count, point.sum = 100, 12.5
    for quantile in (0.5, 0.9, 0.99):
        point.quantile_values.add(quantile=quantile, value=rng.random())


_FILL_POINT: dict[str, Callable[[Any, random.Random], None]] = {
    "gauge": _fill_number,
    "sum": _fill_number,
    "histogram": _fill_histogram,
    "exponential_histogram": _fill_exponential,
    "summary": _fill_summary,
}


def _shares(rng: random.Random, row_count: int) -> Iterator[tuple[str, int]]:
    """(service, rows of it) for 3..7 resources that share the rows of a request."""
    resource_count = rng.randrange(3, 8)
    for i in range(resource_count):
        yield rng.choice(SERVICES), row_count * (i + 1) // resource_count - row_count * i // resource_count


def _put(pairs: Any, attributes: Attributes) -> None:
    for key, value in attributes.items():
        _set(pairs.add(key=key).value, value)


def _set(any_value: Any, value: Any) -> None:
    if isinstance(value, dict):
        _put(any_value.kvlist_value.values, value)
    elif isinstance(value, list):
        for each in value:
            _set(any_value.array_value.values.add(), each)
    else:
        setattr(
            any_value,
            {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)],
            value,
        )


def _make_unique(request: Any, rng: random.Random) -> None:
    for resource_spans in request.resource_spans:
        for pair in (pair for spans in resource_spans.scope_spans for span in spans.spans for pair in span.attributes):
            if rng.random() < 0.6:
                if pair.value.HasField("string_value"):
                    pair.value.string_value += f"{rng.getrandbits(32):08x}"
                elif pair.value.HasField("int_value"):
                    pair.value.int_value = rng.getrandbits(40)
