"""Facts → telemetry: which programs tell of which fact, in the order in which a request passes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.demo import emit_browser, emit_frontend, emit_orders, emit_users
from pipelines.demo.model import CartAdd, Fact, HealthCheck, Login, OrderAttempt, PageView, Registration
from pipelines.demo.outbox import Outbox


def emit(out: Outbox, fact: Fact) -> None:
    """Put everything that the shop's programs send about a fact into the outbox."""
    _EMIT[type(fact)](out, fact)


def _page_view(out: Outbox, fact: PageView) -> None:
    parent = emit_browser.page_view(out, fact)
    if fact.web:
        parent = emit_frontend.page_request(out, fact, fact.web, parent)
    if fact.user_call:
        emit_users.profile(out, fact, fact.user_call, parent)


def _cart_add(out: Outbox, fact: CartAdd) -> None:
    emit_frontend.tracked_event(out, fact, emit_browser.cart_add(out, fact))


def _login(out: Outbox, fact: Login) -> None:
    emit_users.login(out, fact, emit_browser.account_form(out, fact))


def _registration(out: Outbox, fact: Registration) -> None:
    emit_users.registration(out, fact, emit_browser.account_form(out, fact))


def _order(out: Outbox, fact: OrderAttempt) -> None:
    emit_orders.order(out, fact, emit_frontend.checkout(out, fact, emit_browser.place_order(out, fact)))


def _health_check(out: Outbox, fact: HealthCheck) -> None:
    emit_frontend.health_check(out, fact, fact.request)


_EMIT: dict[type[Fact], Callable[[Outbox, Any], None]] = {
    PageView: _page_view,
    CartAdd: _cart_add,
    Login: _login,
    Registration: _registration,
    OrderAttempt: _order,
    HealthCheck: _health_check,
}
