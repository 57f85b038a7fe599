"""What user-service, auth-service, order-service and payment-service send about a fact."""

from __future__ import annotations

from urllib.parse import quote

from pipelines.demo.catalog import GATEWAY_ENDPOINTS, NS_PER_MS
from pipelines.demo.emit_frontend import server_attributes
from pipelines.demo.model import Login, OrderAttempt, PageView, Payment, Registration, Request
from pipelines.demo.otlp import CLIENT, ERROR, INTERNAL, OK, REMOTE_PARENT, SAMPLED, SERVER, UNSET, Attributes
from pipelines.demo.outbox import Emitter, Outbox, of_server, status_of
from pipelines.demo.sources import (
    APP,
    FLASK,
    LOGBACK,
    ORDER_SERVICE,
    PAYMENT_HTTP,
    PAYMENT_SERVICE,
    PYTHON_LOGGING,
    SLOG,
)
from pipelines.demo.stacks import exception_attributes, exception_event

DEBUG, INFO, WARN, ERROR_SEVERITY = (5, "DEBUG"), (9, "INFO"), (13, "WARN"), (17, "ERROR")
POSTGRES = {"db.system": "postgresql"}


def profile(out: Outbox, fact: PageView, call: Request, parent: bytes) -> None:
    """`get_user` under `GET /api/users/<user_id>`: cache.get, and on a miss db.query.user and cache.set."""
    app, user_id = of_server(out, fact, call), fact.actor.user_id or ""
    entry = _flask_entry(app, fact, call, f"/api/users/{user_id}", parent)
    key: Attributes = {"cache.key": f"user:{user_id}"}
    start_ns, end_ns = call.start_ns + 300_000, call.end_ns - 200_000
    cached_ns = start_ns + (end_ns - start_ns) * (80 if fact.is_cache_hit else 10) // 100
    found = call.http_status == 200
    attributes: dict[str, str | bool] = {"user.id": user_id, "cache.hit": fact.is_cache_hit}
    if not fact.is_cache_hit:
        attributes["user.found"] = found
    work = app.span(APP, "get_user", INTERNAL, start_ns, end_ns, attributes, entry)
    failure = fact.cache_failure
    events = (exception_event(failure, call.version, cached_ns),) if failure else ()
    get = app.span(APP, "cache.get", INTERNAL, start_ns + 50_000, cached_ns, key, work, events=events)
    if failure:
        app.log(
            PYTHON_LOGGING,
            cached_ns,
            WARN,
            f"cache unavailable: {failure.message}",
            exception_attributes(failure, call.version),
            get,
        )
    if fact.is_cache_hit:
        app.log(PYTHON_LOGGING, cached_ns, DEBUG, f"cache hit for user:{user_id}", {}, work)
        return
    read_ns = cached_ns + (end_ns - cached_ns) * 85 // 100
    query = {**POSTGRES, "db.operation": "SELECT", "db.statement": "SELECT * FROM users WHERE id = ?"}
    app.span(APP, "db.query.user", INTERNAL, cached_ns, read_ns, query, work)
    if found:
        app.span(APP, "cache.set", INTERNAL, read_ns, end_ns - 20_000, key, work)
    body = (
        f"user {user_id} read from database in {(read_ns - cached_ns) // NS_PER_MS} ms"
        if found
        else f"user {user_id} not found"
    )
    app.log(PYTHON_LOGGING, end_ns, INFO if found else WARN, body, {"user.id": user_id}, work)


def login(out: Outbox, fact: Login, parent: bytes) -> None:
    """`user.login` under `POST /api/login`, with `db.query.user`; an error carries its exception on span and log."""
    request, failure = fact.auth, fact.failure
    app = of_server(out, fact, request)
    entry = _flask_entry(app, fact, request, request.route, parent)
    start_ns, end_ns = request.start_ns + 900_000, request.end_ns - 500_000
    attributes = {
        "user.name": fact.user_name,
        "http.method": "POST",
        "http.url": f"http://auth-service/api/login?username={quote(fact.user_name)}",
    }
    if fact.status != "error":
        attributes["login.status"] = fact.status
    if fact.reason:
        attributes["login.failure_reason"] = fact.reason
    if fact.actor.user_id:
        attributes["user.id"] = fact.actor.user_id
    events = (exception_event(failure, request.version, end_ns),) if failure else ()
    status = ERROR if failure else OK if fact.status == "success" else UNSET
    span = app.span(
        APP,
        "user.login",
        INTERNAL,
        start_ns,
        end_ns,
        attributes,
        entry,
        status,
        failure.message if failure else "",
        events,
    )
    app.span(
        APP,
        "db.query.user",
        INTERNAL,
        start_ns + 400_000,
        end_ns - 300_000,
        {**POSTGRES, "db.operation": "SELECT"},
        span,
        status_of(bool(failure)),
    )
    if failure:
        app.log(
            PYTHON_LOGGING, end_ns, ERROR_SEVERITY, "login broke", exception_attributes(failure, request.version), span
        )
    elif fact.reason:
        app.log(PYTHON_LOGGING, end_ns, WARN, f"login failed for {fact.user_name}: {fact.reason}", {}, span)
    else:
        app.log(PYTHON_LOGGING, end_ns, INFO, f"login of {fact.user_name} <{fact.actor.email}>", {}, span)


def registration(out: Outbox, fact: Registration, parent: bytes) -> None:
    """`user.registration` as span and as log event."""
    request, actor = fact.auth, fact.actor
    app = of_server(out, fact, request)
    entry = _flask_entry(app, fact, request, request.route, parent)
    start_ns, end_ns = request.start_ns + 900_000, request.end_ns - 500_000
    attributes = {"user.id": actor.user_id or "", "user.name": actor.user_name or "", "user.email": actor.email or ""}
    span = app.span(APP, "user.registration", INTERNAL, start_ns, end_ns, attributes, entry, OK)
    app.span(
        APP,
        "db.insert.user",
        INTERNAL,
        start_ns + 400_000,
        end_ns - 300_000,
        {**POSTGRES, "db.operation": "INSERT"},
        span,
    )
    app.log(
        PYTHON_LOGGING,
        end_ns,
        INFO,
        f"registered {actor.email}",
        {"user.id": actor.user_id or ""},
        span,
        "user.registration",
    )


def order(out: Outbox, fact: OrderAttempt, parent: bytes) -> None:
    """`POST /api/orders` (INTERNAL, as hand-made spans are) with validateOrder, checkInventory, saveOrder."""
    request, failure, actor = fact.order, fact.failure, fact.actor
    app = of_server(out, fact, request)
    start_ns, end_ns = request.start_ns, request.end_ns
    attributes: dict[str, str | int | float] = {
        "http.method": "POST", "http.route": "/api/orders", "http.status_code": request.http_status,
        "user.id": actor.user_id or "", "order.items.count": fact.item_count,
    }  # fmt: skip
    if fact.order_id:
        attributes |= {"order.id": fact.order_id, "order.total": float(fact.total), "order.currency": actor.currency}
    message = {
        "success": "", "validation_error": "Validation failed", "payment_error": "Payment failed",
        "inventory_error": "Insufficient inventory", "server_error": failure.message if failure else "",
    }[fact.outcome]  # fmt: skip
    events = (exception_event(failure, request.version, end_ns - NS_PER_MS),) if failure else ()
    root = app.span(
        ORDER_SERVICE, "POST /api/orders", INTERNAL, start_ns, end_ns, attributes, parent,
        OK if fact.outcome == "success" else ERROR, message, events, flags=REMOTE_PARENT if parent else SAMPLED,
    )  # fmt: skip
    checked_ns = start_ns + 4 * NS_PER_MS
    is_valid = fact.outcome != "validation_error"
    app.span(
        ORDER_SERVICE, "validateOrder", INTERNAL, start_ns + 200_000, checked_ns, {}, root, OK if is_valid else ERROR
    )
    if fact.outcome in ("success", "payment_error", "inventory_error"):
        stock: Attributes = {"peer.service": "inventory-service", "http.status_code": 200}
        app.span(ORDER_SERVICE, "checkInventory", INTERNAL, checked_ns, checked_ns + 7 * NS_PER_MS, stock, root, OK)
    if fact.payment:
        _pay(out, app, fact, fact.payment, root)
    if fact.outcome == "success":
        app.span(
            ORDER_SERVICE,
            "saveOrder",
            INTERNAL,
            end_ns - 6 * NS_PER_MS,
            end_ns - NS_PER_MS,
            {**POSTGRES, "db.operation": "INSERT"},
            root,
            OK,
        )
        body = (
            f"order {fact.order_id} created for {actor.email}: {fact.total} {actor.currency}, {fact.item_count} items"
        )
        app.log(LOGBACK, end_ns, INFO, body, {"order.id": fact.order_id or "", "log.record.uid": fact.key.hex()}, root)
    elif failure:
        app.log(
            LOGBACK,
            end_ns,
            ERROR_SEVERITY,
            f"order failed: {failure.message}",
            exception_attributes(failure, request.version),
            root,
        )
    else:
        app.log(LOGBACK, end_ns, WARN, f"order refused: {message.lower()} for {fact.item_count} items", {}, root)


def _pay(out: Outbox, app: Emitter, fact: OrderAttempt, payment: Payment, parent: bytes) -> None:
    """order-service's side of the payment; 1.0.0 calls it `payment.process`, later releases `processPayment`."""
    request = payment.request
    attributes: dict[str, str | float] = {
        "payment.method": payment.method,
        "payment.amount": float(payment.amount),
        "peer.service": "payment-service",
    }
    if payment.transaction_id:
        attributes["payment.transaction_id"] = payment.transaction_id
    name = "payment.process" if fact.order.version == "1.0.0" else "processPayment"
    status = ERROR if payment.failure else OK
    client = app.span(
        ORDER_SERVICE, name, INTERNAL, request.start_ns - 600_000, request.end_ns + 500_000, attributes, parent, status
    )
    _process(out, fact, payment, client)


def _process(out: Outbox, fact: OrderAttempt, payment: Payment, parent: bytes) -> None:
    """payment-service's side: `PaymentService.ProcessPayment` under the HTTP handler's span."""
    request, failure = payment.request, payment.failure
    app = of_server(out, fact, request)
    handler = server_attributes(request, fact.actor, "/api/process") | {
        "client.address": "10.4.2.17",
        "user_agent.original": "Java-http-client/21",
    }
    entry = app.span(
        PAYMENT_HTTP,
        "POST /api/process",
        SERVER,
        request.start_ns,
        request.end_ns,
        handler,
        parent,
        status_of(request.is_error),
        flags=REMOTE_PARENT,
    )
    start_ns, end_ns = request.start_ns + 250_000, request.end_ns - 150_000
    attributes: dict[str, str | float | bool] = {
        "payment.id": payment.payment_id, "payment.amount": float(payment.amount), "payment.currency": payment.currency,
        "payment.method": payment.method, "payment.user_id": fact.actor.user_id or "",
    }  # fmt: skip
    if failure:
        attributes |= {"error.type": payment.status, "error.message": failure.message}
        attributes |= {"gateway_error": {"error.retryable": True}, "database_error": {"error.critical": True}}.get(
            payment.status, {}
        )
    else:
        attributes |= {"payment.status": payment.status, "payment.transaction_id": payment.transaction_id or ""}
    message = {
        "completed": "",
        "validation_error": "Validation failed",
        "gateway_error": "Gateway error",
        "database_error": "Database error",
    }
    events = (exception_event(failure, request.version, end_ns),) if failure else ()
    work = app.span(
        PAYMENT_SERVICE, "PaymentService.ProcessPayment", INTERNAL, start_ns, end_ns, attributes, entry,
        ERROR if failure else OK, message[payment.status], events,
    )  # fmt: skip
    valid_ns = start_ns + NS_PER_MS
    passed: Attributes = {} if payment.status == "validation_error" else {"validation.passed": True}
    app.span(PAYMENT_SERVICE, "validatePayment", INTERNAL, start_ns + 90_000, valid_ns, passed, work)
    if payment.gateway:
        gateway: Attributes = {"gateway.name": payment.gateway, "gateway.endpoint": GATEWAY_ENDPOINTS[payment.gateway]}
        status = ERROR if payment.status == "gateway_error" else UNSET
        app.span(
            PAYMENT_SERVICE,
            "callPaymentGateway",
            CLIENT,
            valid_ns,
            valid_ns + payment.gateway_ns,
            gateway,
            work,
            status,
        )
        if payment.status != "gateway_error":
            update = {**POSTGRES, "db.operation": "UPDATE"}
            app.span(
                PAYMENT_SERVICE,
                "updateDatabase",
                INTERNAL,
                valid_ns + payment.gateway_ns,
                end_ns - 90_000,
                update,
                work,
            )
    body = "payment processed" if not failure else f"{payment.status.replace('_', ' ')}: {failure.message}"
    app.log(SLOG, end_ns, ERROR_SEVERITY if failure else INFO, body, {"payment.id": payment.payment_id}, work)


def _flask_entry(
    app: Emitter, fact: PageView | Login | Registration, request: Request, target: str, parent: bytes
) -> bytes:
    attributes = server_attributes(request, fact.actor, target)
    return app.span(
        FLASK, f"{request.method} {request.route}", SERVER, request.start_ns, request.end_ns, attributes, parent,
        status_of(request.is_error), flags=REMOTE_PARENT if parent else SAMPLED,
    )  # fmt: skip
