"""What user-service and auth-service send: profiles read, logins, registrations."""

from __future__ import annotations

from urllib.parse import quote

from pipelines.demo.catalog import NS_PER_MS
from pipelines.demo.conventions import server_attributes
from pipelines.demo.model import Login, PageView, Registration, Request
from pipelines.demo.otlp import ERROR, INTERNAL, OK, REMOTE_PARENT, SAMPLED, SERVER, UNSET, Attributes
from pipelines.demo.outbox import Emitter, Outbox, of_server, status_of
from pipelines.demo.sources import APP, FLASK, PYTHON_LOGGING
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


def _flask_entry(
    app: Emitter, fact: PageView | Login | Registration, request: Request, target: str, parent: bytes
) -> bytes:
    attributes = server_attributes(request, fact.actor, target)
    return app.span(
        FLASK, f"{request.method} {request.route}", SERVER, request.start_ns, request.end_ns, attributes, parent,
        status_of(request.is_error), flags=REMOTE_PARENT if parent else SAMPLED,
    )  # fmt: skip
