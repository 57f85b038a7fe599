"""What happened, remembered fact by fact: what truth.py turns into numbers. Reads facts, never output."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from pipelines.demo.catalog import SAMPLED_SERVICE, SERVICES
from pipelines.demo.model import (
    CartAdd,
    Fact,
    Failure,
    HealthCheck,
    Login,
    OrderAttempt,
    PageView,
    Registration,
    Request,
)
from pipelines.demo.outbox import is_sampled
from pipelines.demo.shop import HOUR_NS, utc_date
from pipelines.demo.vitals import reports


class Served(NamedTuple):
    """One answered request. `is_kept` False: its span was dropped by the service's sampler."""

    duration_ns: int | None
    is_error: bool
    is_5xx: bool
    is_kept: bool


class RequestKey(NamedTuple):
    """What latency is told by: the hour is UTC, in ns since 1970."""

    environment: str
    service_namespace: str
    service_name: str
    http_route: str
    http_method: str
    hour_ns: int


class Activity(NamedTuple):
    """Something a visitor did that keeps a session alive; `key` is session.id if sent, else the user."""

    environment: str
    key: str
    time_ns: int
    what: str  # a page name, or add_to_cart, login, registration, order, failed_order
    is_page: bool


Keys = tuple[str, ...]


@dataclass(slots=True)
class Observed:
    """Everything the truth needs to know, mergeable over days."""

    served: dict[RequestKey, list[Served]] = field(default_factory=lambda: defaultdict(list))
    activities: list[Activity] = field(default_factory=list)
    active_users: set[tuple[str, str, str]] = field(default_factory=set)  # environment, date, user
    page_views: Counter[Keys] = field(default_factory=Counter)  # environment, date, page
    web_vitals: dict[Keys, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Last reported values by environment, date, page, vital."""
    logins: Counter[Keys] = field(default_factory=Counter)  # environment, date, status, reason
    registrations: Counter[Keys] = field(default_factory=Counter)  # environment, date
    orders: dict[Keys, list[Decimal]] = field(default_factory=lambda: defaultdict(list))  # environment, date, currency
    order_attempts: Counter[Keys] = field(default_factory=Counter)  # environment, order-service version, outcome
    payments: dict[Keys, list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    exceptions: Counter[Keys] = field(default_factory=Counter)  # environment, service, type, version, where it shows
    excluded: Counter[Keys] = field(default_factory=Counter)  # environment, date, reason, service, kept or sampled_out

    def add(self, other: Observed) -> None:
        """Take over another day."""
        for key, served in other.served.items():
            self.served[key] += served
        self.activities += other.activities
        self.active_users |= other.active_users
        for name in ("page_views", "logins", "registrations", "order_attempts", "exceptions", "excluded"):
            getattr(self, name).update(getattr(other, name))
        for name in ("orders", "payments", "web_vitals"):
            for keys, values in getattr(other, name).items():
                getattr(self, name)[keys] += values

    def observe(self, fact: Fact) -> None:
        """Remember a fact. Machines count as excluded traffic only; an attacker's logins are logins."""
        reason = _excluded_reason(fact)
        if reason:
            for request in fact.requests:
                kept = "kept" if _is_kept(fact, request) else "sampled_out"
                self.excluded[fact.actor.environment, _date(fact), reason, request.service, kept] += 1
            return
        self._observe_requests(fact)
        self._observe_exceptions(fact)
        match fact:
            case PageView():
                self.page_views[fact.actor.environment, _date(fact), fact.page] += 1
                self._active(fact, fact.page, is_page=True)
                self._observe_vitals(fact)
            case CartAdd():
                self._active(fact, "add_to_cart")
            case Login():
                self.logins[fact.actor.environment, _date(fact), fact.status, fact.reason or ""] += 1
                self._active(fact, "login")
            case Registration():
                self.registrations[fact.actor.environment, _date(fact)] += 1
                self._active(fact, "registration")
            case OrderAttempt():
                self._observe_order(fact)

    def _observe_vitals(self, fact: PageView) -> None:
        last = {report.name: report.value for report in reports(fact)}
        for name, value in last.items():
            self.web_vitals[fact.actor.environment, _date(fact), fact.page, name].append(value)

    def _observe_requests(self, fact: Fact) -> None:
        for request in fact.requests:
            key = RequestKey(
                fact.actor.environment, SERVICES[request.service].namespace, request.service, request.route,
                request.method, request.start_ns // HOUR_NS * HOUR_NS,
            )  # fmt: skip
            is_5xx = request.http_status >= 500
            self.served[key].append(Served(request.duration_ns, request.is_error, is_5xx, _is_kept(fact, request)))

    def _observe_order(self, fact: OrderAttempt) -> None:
        environment, date = fact.actor.environment, _date(fact)
        self.order_attempts[environment, fact.order.version, fact.outcome] += 1
        self._active(fact, "order" if fact.outcome == "success" else "failed_order")
        if fact.outcome == "success":
            self.orders[environment, date, fact.actor.currency].append(fact.total)
        payment = fact.payment
        if payment:
            keys = (environment, date, payment.method, payment.gateway or "", payment.status, payment.currency)
            self.payments[keys].append(payment.amount)

    def _observe_exceptions(self, fact: Fact) -> None:
        """Exceptions by where they show: a span event, a log record, or both for the same one."""
        match fact:
            case PageView():
                if fact.failure and fact.web:
                    self._raised(fact, fact.web.service, fact.web.version, fact.failure, "both")
                if fact.cache_failure and fact.user_call:
                    shows = "both" if is_sampled(fact) else "log"
                    self._raised(fact, SAMPLED_SERVICE, fact.user_call.version, fact.cache_failure, shows)
                if fact.browser_failure:
                    self._raised(fact, "frontend-app", fact.actor.app_version, fact.browser_failure, "log")
            case Login() if fact.failure:
                self._raised(fact, fact.auth.service, fact.auth.version, fact.failure, "both")
            case OrderAttempt() if fact.failure:
                self._raised(fact, fact.order.service, fact.order.version, fact.failure, "both")
                if fact.payment and fact.payment.failure:
                    request = fact.payment.request
                    self._raised(fact, request.service, request.version, fact.payment.failure, "span")

    def _raised(self, fact: Fact, service: str, version: str, failure: Failure, shows: str) -> None:
        self.exceptions[fact.actor.environment, service, failure.exception_type, version, shows] += 1

    def _active(self, fact: Fact, what: str, is_page: bool = False) -> None:
        actor = fact.actor
        if actor.kind != "person":
            return
        if actor.user_id:
            self.active_users.add((actor.environment, _date(fact), actor.user_id))
        key = actor.session_id or actor.user_id
        if key:
            self.activities.append(Activity(actor.environment, key, fact.time_ns, what, is_page))


def _excluded_reason(fact: Fact) -> str | None:
    if isinstance(fact, HealthCheck):
        return "health_check"
    return {"bot": "bot", "synthetic": "synthetic"}.get(fact.actor.kind)


def _is_kept(fact: Fact, request: Request) -> bool:
    return request.service != SAMPLED_SERVICE or is_sampled(fact)


def _date(fact: Fact) -> str:
    return utc_date(fact.time_ns)
