"""The shop's facts: who did what, when, and how each service answered. Knows nothing of OTLP.

A fact is one thing that happened (a page view, a login, an order attempt …), known by its `key`. Times are true times
in ns since 1970-01-01 UTC: a browser whose clock is wrong says something else, and `Actor.clock_skew_ns` says how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pipelines.demo.catalog import Browser

Environment = Literal["production", "staging"]
ENVIRONMENTS: tuple[Environment, ...] = ("production", "staging")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the shop knows them at that moment.

    `user_id` and `user_name` None: anonymous. `session_id` None: a browser of the old release, which sends none.
    `has_telemetry` False: nothing of the browser's own telemetry arrives (ad blocker, script, bot).
    """

    environment: Environment
    kind: Literal["person", "bot", "synthetic", "attacker"]
    browser: Browser
    client_address: str
    currency: str
    session_id: str | None = None
    previous_session_id: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    email: str | None = None
    clock_skew_ns: int = 0
    has_telemetry: bool = True
    app_version: str = "1.0.0"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a service served. `duration_ns` None: the pod died before it answered."""

    service: str
    version: str
    pod: int
    method: str
    route: str
    start_ns: int
    duration_ns: int | None
    http_status: int
    is_error: bool = False

    @property
    def end_ns(self) -> int:
        """When the answer was sent; the start when none was."""
        return self.start_ns + (self.duration_ns or 0)


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that a service raised: its type and a message with its variable parts."""

    exception_type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has. `key` is 16 random bytes, `time_ns` when it began, `requests` what services answered."""

    key: bytes
    time_ns: int
    actor: Actor
    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView(Fact):
    """A page was shown. `web` None: a view inside the single-page app, no server asked. `user_call` reads the user's
    profile; `fetch_ns` is the time of the content backend, which emits nothing itself."""

    page: str
    product_id: str | None
    is_landing: bool
    load_ns: int
    web: Request | None
    user_call: Request | None
    is_cache_hit: bool
    fetch_ns: int
    failure: Failure | None = None
    browser_failure: Failure | None = None
    cache_failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartAdd(Fact):
    """A product was put into the cart; the browser tells the server with a tracking request."""

    product_id: str
    web: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Login(Fact):
    """A login attempt by `user_name`. `reason` says why it failed; `failure` is the exception behind an error."""

    user_name: str
    status: Literal["success", "failed", "error"]
    reason: str | None
    auth: Request
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(Fact):
    """A new account; the actor is known from here on."""

    auth: Request


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment attempt. `gateway` None: refused before any gateway was asked."""

    payment_id: str
    method: str
    gateway: str | None
    status: Literal["completed", "validation_error", "gateway_error", "database_error"]
    amount: Decimal
    currency: str
    transaction_id: str | None
    request: Request
    gateway_ns: int
    failure: Failure | None = None


Outcome = Literal["success", "validation_error", "inventory_error", "payment_error", "server_error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAttempt(Fact):
    """Someone pressed "place order". Only a success has an `order_id`; its total is paid in the actor's currency.

    After a success email-service confirms it: it takes the message from the queue `mail_delay_ns` after the answer and
    needs `mail_ns`.
    """

    outcome: Outcome
    order_id: str | None
    item_count: int
    total: Decimal
    payment_method: str
    payment: Payment | None
    web: Request
    order: Request
    mail_delay_ns: int
    mail_ns: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck(Fact):
    """Kubernetes asked a pod whether it is alive."""

    request: Request
