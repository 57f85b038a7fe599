"""What the Node service sends: page requests, tracked events, checkouts, and its access log."""

from __future__ import annotations

from pipelines.demo.catalog import NS_PER_MS, SERVICES
from pipelines.demo.conventions import server_attributes, uses_current_conventions
from pipelines.demo.emit_browser import page_url
from pipelines.demo.model import CartAdd, Fact, OrderAttempt, PageView, Request
from pipelines.demo.otlp import CLIENT, ERROR, INTERNAL, OK, REMOTE_PARENT, SAMPLED, SERVER, Attributes
from pipelines.demo.outbox import Emitter, Outbox, of_server, status_of
from pipelines.demo.sources import FRONTEND_SERVICE, NODE_HTTP, PINO, SERVER_SCOPES
from pipelines.demo.stacks import exception_attributes, exception_event

INFO, ERROR_SEVERITY = (9, "info"), (17, "error")


def page_request(out: Outbox, fact: PageView, web: Request, parent: bytes) -> bytes:
    """`GET /pages/:pageName` with `http.request` and `fetch.page.data`; returns the parent of the profile request."""
    node, actor = of_server(out, fact, web), fact.actor
    user = {"user.id": actor.user_id} if actor.user_id else {}
    query = f"?userId={actor.user_id}" if actor.user_id else ""
    target = page_url(fact).removeprefix("https://shop.example.com")
    target += query.replace("?", "&") if "?" in target else query
    entry = _entry(node, fact, web, target, parent, {"page.name": fact.page, **user})
    profile = (
        _call(node, web, "GET", "user-service", f"/api/users/{actor.user_id}", fact.user_call, entry)
        if fact.user_call
        else b""
    )
    start_ns = (fact.user_call.end_ns if fact.user_call else web.start_ns) + 2 * NS_PER_MS
    end_ns, failure = start_ns + fact.fetch_ns, fact.failure
    events = (exception_event(failure, web.version, end_ns),) if failure else ()
    attributes = {"peer.service": "backend-api", "page.name": fact.page, "http.status_code": 503 if failure else 200}
    fetch = node.span(
        FRONTEND_SERVICE, "fetch.page.data", INTERNAL, start_ns, end_ns, attributes, entry,
        ERROR if failure else OK, failure.message if failure else "", events,
    )  # fmt: skip
    if failure:
        node.log(
            PINO,
            end_ns,
            ERROR_SEVERITY,
            f"Failed to load page {fact.page}: {failure.message}",
            exception_attributes(failure, web.version),
            fetch,
        )
    _access_log(node, web, target, entry)
    return profile


def tracked_event(out: Outbox, fact: CartAdd, parent: bytes) -> None:
    """`POST /api/track-event` with `track.event`."""
    node, actor, web = of_server(out, fact, fact.web), fact.actor, fact.web
    entry = _entry(node, fact, web, web.route, parent, {})
    user = {"user.id": actor.user_id} if actor.user_id else {}
    attributes = {"event.name": "add_to_cart", "product.id": fact.product_id, **user}
    node.span(
        FRONTEND_SERVICE,
        "track.event",
        INTERNAL,
        web.start_ns + NS_PER_MS,
        web.end_ns - NS_PER_MS // 4,
        attributes,
        entry,
    )
    body = f"Event tracked: add_to_cart for user {actor.user_id or 'undefined'}"
    node.log(PINO, web.end_ns, INFO, body, {"product.id": fact.product_id}, entry)


def checkout(out: Outbox, fact: OrderAttempt, parent: bytes) -> bytes:
    """`POST /api/checkout`, which calls order-service; returns the parent of its span."""
    node, web = of_server(out, fact, fact.web), fact.web
    entry = _entry(node, fact, web, web.route, parent, {"user.id": fact.actor.user_id} if fact.actor.user_id else {})
    _access_log(node, web, web.route, entry)
    return _call(node, web, "POST", "order-service", "/api/orders", fact.order, entry)


def health_check(out: Outbox, fact: Fact, request: Request) -> None:
    """`GET /healthz` of any service: one SERVER span, and a debug line."""
    pod = of_server(out, fact, request)
    http, log = SERVER_SCOPES[SERVICES[request.service].language]
    attributes = server_attributes(request, fact.actor, "/healthz")
    entry = pod.span(http, "GET /healthz", SERVER, request.start_ns, request.end_ns, attributes, flags=SAMPLED)
    pod.log(log, request.end_ns, (5, "DEBUG"), "health check ok", {"http.route": "/healthz"}, entry)


def _entry(node: Emitter, fact: Fact, web: Request, target: str, parent: bytes, extra: dict[str, str]) -> bytes:
    """The SERVER span and the middleware's `http.request` below it; unfinished when the pod died."""
    attributes = {**server_attributes(web, fact.actor, target), **extra}
    end_ns = 0 if web.duration_ns is None else web.end_ns
    node.out.oddities["unfinished_span"] += web.duration_ns is None
    entry = node.span(
        NODE_HTTP, f"{web.method} {web.route}", SERVER, web.start_ns, end_ns, attributes, parent,
        status_of(web.is_error),
        flags=REMOTE_PARENT if parent else SAMPLED,
    )  # fmt: skip
    if end_ns:
        middleware: Attributes = {
            "http.method": web.method,
            "http.url": target,
            "http.target": target.partition("?")[0],
            "http.status_code": web.http_status,
        }
        node.span(
            FRONTEND_SERVICE, "http.request", INTERNAL, web.start_ns + 150_000, end_ns - 80_000, middleware, entry
        )
    return entry


def _call(node: Emitter, web: Request, method: str, service: str, path: str, request: Request, parent: bytes) -> bytes:
    """The CLIENT span around a request to another service; a few never arrive, so that their children are orphans."""
    start_ns, end_ns = request.start_ns - 700_000, request.end_ns + 600_000
    status = request.http_status
    if uses_current_conventions(web):
        attributes: Attributes = {
            "http.request.method": method, "url.full": f"http://{service}{path}", "server.address": service,
            "http.response.status_code": status,
        }  # fmt: skip
    else:
        attributes = {
            "http.method": method,
            "http.url": f"http://{service}{path}",
            "net.peer.name": service,
            "http.status_code": status,
        }
    if node.out.rng.random() < 0.003:
        node.out.oddities["lost_parent_span"] += 1
        return node.out.rng.randbytes(8)
    return node.span(NODE_HTTP, method, CLIENT, start_ns, end_ns, attributes, parent, status_of(status >= 400))


def _access_log(node: Emitter, web: Request, target: str, span: bytes) -> None:
    if web.duration_ns is None:
        return
    body = f"{web.method} {target} {web.http_status} {web.duration_ns // NS_PER_MS}ms"
    node.log(PINO, web.end_ns, INFO, body, {"http.route": web.route, "http.status_code": web.http_status}, span)
