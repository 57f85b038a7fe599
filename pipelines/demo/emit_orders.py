"""What order-service and payment-service send about an order attempt, and email-service about its confirmation."""

from __future__ import annotations

import hashlib

from pipelines.demo.catalog import GATEWAY_ENDPOINTS, NS_PER_MS
from pipelines.demo.conventions import server_attributes
from pipelines.demo.model import OrderAttempt, Payment
from pipelines.demo.otlp import (
    CLIENT,
    CONSUMER,
    ERROR,
    INTERNAL,
    OK,
    PRODUCER,
    REMOTE_PARENT,
    SAMPLED,
    SERVER,
    UNSET,
    Attributes,
)
from pipelines.demo.outbox import Emitter, Outbox, of_pod, of_server, status_of
from pipelines.demo.sources import (
    APP,
    GRPC,
    LOGBACK,
    ORDER_SERVICE,
    PAYMENT_HTTP,
    PAYMENT_SERVICE,
    PYTHON_LOGGING,
    SLOG,
)
from pipelines.demo.stacks import exception_attributes, exception_event

INFO, WARN, ERROR_SEVERITY = (9, "INFO"), (13, "WARN"), (17, "ERROR")
POSTGRES = {"db.system": "postgresql"}
STOCK_CALL: Attributes = {
    "rpc.system": "grpc", "rpc.service": "inventory.Stock", "rpc.method": "Check", "rpc.grpc.status_code": 0,
}  # fmt: skip


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
        stocked_ns = checked_ns + 7 * NS_PER_MS
        check = app.span(ORDER_SERVICE, "checkInventory", INTERNAL, checked_ns, stocked_ns, stock, root, OK)
        app.span(GRPC, "inventory.Stock/Check", CLIENT, checked_ns + 300_000, stocked_ns - 400_000, STOCK_CALL, check)
    if fact.payment:
        _pay(out, app, fact, fact.payment, root)
    if fact.outcome == "success":
        saving = {**POSTGRES, "db.operation": "INSERT"}
        app.span(ORDER_SERVICE, "saveOrder", INTERNAL, end_ns - 6 * NS_PER_MS, end_ns - NS_PER_MS, saving, root, OK)
        _confirm(out, app, fact, root)
    _log_outcome(app, fact, message, root)


def _log_outcome(app: Emitter, fact: OrderAttempt, message: str, span: bytes) -> None:
    end_ns, failure, items = fact.order.end_ns, fact.failure, f"{fact.item_count} items"
    if fact.outcome == "success":
        body = f"order {fact.order_id} for {fact.actor.email}: {fact.total} {fact.actor.currency}, {items}"
        app.log(LOGBACK, end_ns, INFO, body, {"order.id": fact.order_id or "", "log.record.uid": fact.key.hex()}, span)
    elif failure:
        body, attributes = f"order failed: {failure.message}", exception_attributes(failure, fact.order.version)
        app.log(LOGBACK, end_ns, ERROR_SEVERITY, body, attributes, span)
    else:
        app.log(LOGBACK, end_ns, WARN, f"order refused: {message.lower()} for {items}", {}, span)


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


def _confirm(out: Outbox, app: Emitter, fact: OrderAttempt, parent: bytes) -> None:
    """The order onto a queue (PRODUCER), and its confirmation by mail: a CONSUMER in a trace of its own, linked."""
    queue: Attributes = {"messaging.system": "gcp_pubsub", "messaging.destination.name": "orders"}
    end_ns = fact.order.end_ns - 300_000
    send: Attributes = {**queue, "messaging.operation.type": "send", "order.id": fact.order_id or ""}
    producer = app.span(ORDER_SERVICE, "send orders", PRODUCER, end_ns - 600_000, end_ns, send, parent)
    trace_id = hashlib.sha256(fact.key).digest()[:16]
    mail = of_pod(out, fact, "email-service", "2.0.3", trace_id)
    start_ns = fact.order.end_ns + fact.mail_delay_ns
    process: Attributes = {**queue, "messaging.operation.type": "process", "order.id": fact.order_id or ""}
    consumer = mail.span(
        APP, "process orders", CONSUMER, start_ns, start_ns + fact.mail_ns, process, link=fact.key + producer
    )
    mail.log(PYTHON_LOGGING, start_ns + fact.mail_ns, INFO, f"confirmation sent to {fact.actor.email}", {}, consumer)
