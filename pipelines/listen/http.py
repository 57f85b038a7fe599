"""OTLP/HTTP on aiohttp: the checks before a body is read, the answers after it is on disk, and CORS for browsers."""

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from grpc import StatusCode

from pipelines.errors import BadMessage
from pipelines.listen.exports import Export, Malformed, NotDurable, Overloaded, Refusal, encoded, failure, response
from pipelines.listen.intake import Intake
from pipelines.payloads import SIGNALS, Encoding, Signal
from pipelines.sources.compression import Limits, codec, unfolded

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ENCODINGS: dict[str, Encoding] = {"application/x-protobuf": "protobuf", "application/json": "json"}
COMPRESSIONS = ("gzip", "zstd")
RETRY_AFTER_SECONDS = 5
BODY_SECONDS = 30.0  # a client that sends slower than this is no client of ours
_UNFOLDED_AT_ONCE = 2  # a signal; each may take the memory of the largest message before its size is known
_SMALL_BYTES = 64 << 10  # of a body that is unfolded sooner than it is handed to a thread
_STATUSES: dict[type[Refusal], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Overloaded: HTTPStatus.TOO_MANY_REQUESTS,
    NotDurable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_UNREAD = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS)
_GRPC_CODES = {
    HTTPStatus.BAD_REQUEST: StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: StatusCode.UNAUTHENTICATED,
    HTTPStatus.REQUEST_TIMEOUT: StatusCode.DEADLINE_EXCEEDED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: StatusCode.INVALID_ARGUMENT,
    HTTPStatus.TOO_MANY_REQUESTS: StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.SERVICE_UNAVAILABLE: StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send: a bearer token, or None for anyone who reaches the port; origins of browser apps."""

    token: str | None = None
    cors_origins: Sequence[str] = ()

    def admits(self, authorization: str | None) -> bool:
        """Whether an Authorization header carries the token; compared in constant time."""
        return self.token is None or hmac.compare_digest(
            (authorization or "").encode(errors="surrogateescape"),
            f"Bearer {self.token}".encode(errors="surrogateescape"),
        )


class _Failure(Exception):
    """An answer that is no success: status, and a text that says the cure."""

    def __init__(self, status: HTTPStatus, text: str, code: StatusCode | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code or _GRPC_CODES[status]


def application(intake: Intake, limits: Limits, access: Access) -> web.Application:
    """The aiohttp application: POST /v1/{traces,logs,metrics}, GET /healthz."""
    app = web.Application(middlewares=[_cors(access)])
    for signal in SIGNALS:
        app.router.add_post(f"/v1/{signal}", _exporter(signal, intake, limits, access))
        app.router.add_route("OPTIONS", f"/v1/{signal}", _preflight)
    app.router.add_get("/healthz", _healthy)
    return app


def is_of_server(record: logging.LogRecord) -> bool:
    """Whether what aiohttp logs is no client's mistake: those it answers, and would log with a traceback each."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionResetError)


def _exporter(signal: Signal, intake: Intake, limits: Limits, access: Access) -> Handler:
    unfolding = asyncio.Semaphore(_UNFOLDED_AT_ONCE)

    async def export(request: web.Request) -> web.StreamResponse:
        encoding = ENCODINGS.get(request.content_type)
        try:
            if not access.admits(request.headers.get("Authorization")):
                raise _Failure(
                    HTTPStatus.UNAUTHORIZED, "want the header Authorization: Bearer with the token of listen"
                )
            if encoding is None:
                choices = " or ".join(ENCODINGS)
                text = f"content type {request.content_type!r} is no OTLP: send {choices}"
                raise _Failure(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)
            message = await _taken(signal, encoding, request, intake, limits, unfolding)
        except _Failure as error:
            return _failed(error, encoding or "json")
        return _answer(message, encoding, HTTPStatus.OK)

    return export


async def _taken(
    signal: Signal,
    encoding: Encoding,
    request: web.Request,
    intake: Intake,
    limits: Limits,
    unfolding: asyncio.Semaphore,
) -> Any:
    """The service's response once the export is on disk. Raises _Failure."""
    compression = request.headers.get("Content-Encoding", "identity").lower()
    if compression not in ("identity", *COMPRESSIONS):
        choices = ", ".join(COMPRESSIONS)
        raise _Failure(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"content encoding {compression!r}: send {choices} or none")
    try:
        if (request.content_length or 0) > limits.message_bytes:
            raise _too_large(limits)
        with intake.holding(request.content_length or 0) as hold:
            body = await _body(request, limits, hold)
            receive_time_us = time.time_ns() // 1000
            if compression == "identity":
                return response(signal, await intake.take(Export(signal, body, encoding), receive_time_us))
            data = await _unfolded(body, compression, limits, unfolding)
            with intake.holding(len(data)):
                return response(signal, await intake.take(Export(signal, data, encoding, body), receive_time_us))
    except Refusal as refusal:
        raise _Failure(_STATUSES[type(refusal)], str(refusal)) from None


async def _body(request: web.Request, limits: Limits, hold: Callable[[int], None]) -> bytes:
    """The body; what has no length is held in memory as it comes. Raises _Failure, or Overloaded."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.content.iter_any():
                size += len(part)
                if size > limits.message_bytes:
                    raise _too_large(limits)
                if request.content_length is None:
                    hold(len(part))
                parts.append(part)
    except ConnectionResetError:  # nobody is there to read the answer
        raise _Failure(HTTPStatus.BAD_REQUEST, "the connection ended before the body did") from None
    except TimeoutError:
        raise _Failure(HTTPStatus.REQUEST_TIMEOUT, f"the body took more than {BODY_SECONDS:.0f} s to come") from None
    return b"".join(parts)


def _too_large(limits: Limits) -> _Failure:
    text = f"the body is larger than {limits.message_bytes} bytes: send smaller batches, or raise --max-message"
    return _Failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


async def _unfolded(body: bytes, compression: str, limits: Limits, unfolding: asyncio.Semaphore) -> bytes:
    if len(body) <= _SMALL_BYTES:
        return _plain(body, compression, limits)
    async with unfolding:
        return await asyncio.to_thread(_plain, body, compression, limits)


def _plain(body: bytes, compression: str, limits: Limits) -> bytes:
    if codec(body) != compression:
        raise _Failure(HTTPStatus.BAD_REQUEST, f"the body is no {compression}, which its content encoding says it is")
    try:
        return unfolded(body, limits)
    except BadMessage as error:
        too_large = error.reason == "decompressed_too_large"
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
        raise _Failure(status, str(error)) from None


def _failed(error: _Failure, encoding: Encoding) -> web.Response:
    answer = _answer(failure(error.code.value[0], str(error)), encoding, error.status)
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if error.status in _UNREAD:
        answer.force_close()  # the rest of the body is not read
    return answer


def _answer(message: Any, encoding: Encoding, status: HTTPStatus) -> web.Response:
    content_type = next(name for name, own in ENCODINGS.items() if own == encoding)
    return web.Response(body=encoded(message, encoding), status=status, content_type=content_type)


async def _healthy(_: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")


async def _preflight(_: web.Request) -> web.StreamResponse:
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _cors(access: Access) -> Any:
    """Lets pages of the origins that are allowed send, and no other: a browser keeps the rest from asking."""

    @web.middleware
    async def allow(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.method == "OPTIONS" and origin not in access.cors_origins:
            return web.Response(status=HTTPStatus.FORBIDDEN, text=f"origin {origin} is not among --cors-origin\n")
        answer = await handler(request)
        if origin in access.cors_origins:
            answer.headers["Access-Control-Allow-Origin"] = str(origin)
            answer.headers["Vary"] = "Origin"
            answer.headers["Access-Control-Allow-Methods"] = "POST"
            answer.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Content-Encoding"
            answer.headers["Access-Control-Max-Age"] = "3600"
        return answer

    return allow
