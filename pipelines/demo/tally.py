"""Facts → what the shop's instruments counted: per series and export interval, how often and which values.

This is the model's side of the metrics: the truth file sums it, emit_metrics.py turns it into points.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipelines.demo.catalog import NS_PER_MS, NS_PER_SECOND
from pipelines.demo.model import Environment, Fact, Login, OrderAttempt, PageView, Registration, Request
from pipelines.demo.shop import Shop

# Exports happen 7 s before each full interval, so that no interval straddles an hour or a day.
INTERVAL_NS = {"production": 300 * NS_PER_SECOND, "staging": 900 * NS_PER_SECOND}
PHASE_NS = 7 * NS_PER_SECOND


class Pod(NamedTuple):
    """Who exports a series."""

    environment: Environment
    service: str
    version: str
    number: int


class Series(NamedTuple):
    """One stream of points: a pod's instrument with one set of attributes."""

    pod: Pod
    metric: str
    attributes: tuple[tuple[str, str], ...]


class Observation(NamedTuple):
    """A value that a histogram recorded, with the trace that it happened in."""

    value: float
    time_ns: int
    trace_id: bytes


@dataclass(slots=True)
class Tally:
    """Counter increments and histogram observations by series and interval number."""

    counts: dict[Series, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    observations: dict[Series, dict[int, list[Observation]]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take over what another part of the shop counted."""
        for series, by_interval in other.counts.items():
            self.counts[series].update(by_interval)
        for series, intervals in other.observations.items():
            mine = self.observations.setdefault(series, {})
            for interval, observations in intervals.items():
                mine.setdefault(interval, []).extend(observations)


def interval_of(shop: Shop, environment: Environment, time_ns: int) -> int:
    """Number of the export interval that a time falls into, 0 for the shop's first."""
    return (time_ns - shop.start_ns + PHASE_NS) // INTERVAL_NS[environment]


def export_time_ns(shop: Shop, environment: Environment, interval: int) -> int:
    """When the points of an interval are taken."""
    return shop.start_ns + (interval + 1) * INTERVAL_NS[environment] - PHASE_NS


def tally(into: Tally, shop: Shop, fact: Fact) -> None:
    """Count a fact with every instrument that sees it."""
    count = _TALLIES.get(type(fact))
    if count:
        count(into, shop, fact)


def _page_view(into: Tally, shop: Shop, fact: PageView) -> None:
    web, user = fact.web, fact.user_call
    if web and web.duration_ns is not None:
        _count(
            into, shop, fact, web, "page.views", page=f"/pages/{fact.page}", user_agent=fact.actor.browser.user_agent
        )
        if web.version >= "2":
            status = str(web.http_status)
            attributes = {"http.request.method": "GET", "http.route": web.route, "http.response.status_code": status}
            _observe(into, shop, fact, web, "http.server.request.duration", web.duration_ns / 1e9, attributes)
    if user and fact.is_cache_hit:
        _count(into, shop, fact, user, "user.cache.hits", operation="get_user")
    elif user and user.http_status == 200:
        _count(into, shop, fact, user, "user.operations", operation="get_user", status="success")


def _login(into: Tally, shop: Shop, fact: Login) -> None:
    detail = {"success": {"method": "password"}, "failed": {"reason": fact.reason or ""}}.get(
        fact.status, {"error_type": "OperationalError"}
    )
    _count(into, shop, fact, fact.auth, "user.login.attempts", status=fact.status, **detail)
    if fact.status != "error":
        duration_ms = (fact.auth.duration_ns or 0) / NS_PER_MS
        _observe(into, shop, fact, fact.auth, "user.login.duration", duration_ms, {"status": fact.status})


def _registration(into: Tally, shop: Shop, fact: Registration) -> None:
    _count(into, shop, fact, fact.auth, "user.registration", method="email")


def _order(into: Tally, shop: Shop, fact: OrderAttempt) -> None:
    status = "validation_error" if fact.outcome == "inventory_error" else fact.outcome
    _count(into, shop, fact, fact.order, "api.calls", endpoint="/api/orders", method="POST", status=status)
    if fact.outcome == "success":
        duration_ms = float((fact.order.duration_ns or 0) // NS_PER_MS)
        _observe(
            into, shop, fact, fact.order, "api.duration", duration_ms, {"endpoint": "/api/orders", "status": "success"}
        )
    payment = fact.payment
    if not payment:
        return
    if payment.status == "completed":
        attributes = {"status": "success", "payment_method": payment.method}
        _observe(
            into,
            shop,
            fact,
            payment.request,
            "payment.latency",
            (payment.request.duration_ns or 0) / NS_PER_MS,
            attributes,
        )
    else:
        attributes = {
            "validation_error": {"status": "validation_failed"},
            "gateway_error": {"status": "gateway_error", "error_type": "gateway_timeout"},
        }.get(payment.status, {"status": "database_error"})
    _count(into, shop, fact, payment.request, "payment.transactions", **attributes)


_TALLIES: dict[type[Fact], Callable[[Tally, Shop, Any], None]] = {
    PageView: _page_view,
    Login: _login,
    Registration: _registration,
    OrderAttempt: _order,
}


def _pod(fact: Fact, request: Request) -> Pod:
    return Pod(fact.actor.environment, request.service, request.version, request.pod)


def _count(into: Tally, shop: Shop, fact: Fact, request: Request, metric: str, **attributes: str) -> None:
    series = Series(_pod(fact, request), metric, tuple(sorted(attributes.items())))
    into.counts[series][interval_of(shop, fact.actor.environment, request.end_ns)] += 1


def _observe(
    into: Tally, shop: Shop, fact: Fact, request: Request, metric: str, value: float, attributes: dict[str, str]
) -> None:
    series = Series(_pod(fact, request), metric, tuple(sorted(attributes.items())))
    interval = interval_of(shop, fact.actor.environment, request.end_ns)
    observation = Observation(value, request.end_ns, fact.key)
    into.observations.setdefault(series, {}).setdefault(interval, []).append(observation)
