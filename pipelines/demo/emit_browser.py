"""What a visitor's browser sends about a fact: page.view, event.*, document load, clicks, fetches, web vitals.

Each function returns the id of the fetch span, which is the parent of what the server then sends; b"" when the browser
sends nothing.
"""

from __future__ import annotations

from urllib.parse import quote

from pipelines.demo.catalog import NS_PER_MS
from pipelines.demo.model import Actor, CartAdd, Login, OrderAttempt, PageView, Registration, Request
from pipelines.demo.otlp import CLIENT, INTERNAL, Attributes, Event
from pipelines.demo.outbox import Emitter, Outbox, of_browser, status_of
from pipelines.demo.sources import DOCUMENT_LOAD, FETCH, FRONTEND_APP, USER_INTERACTION, WEB_VITALS
from pipelines.demo.stacks import exception_attributes
from pipelines.demo.vitals import reports

SHOP_URL = "https://shop.example.com"
INFO, ERROR_SEVERITY = (9, "INFO"), (17, "ERROR")


def page_url(fact: PageView) -> str:
    """Address of the page; links in newsletters carry the reader's e-mail."""
    query = [f"product={fact.product_id}"] if fact.product_id else []
    if fact.is_landing and fact.actor.email:
        query.append(f"utm_source=newsletter&email={quote(fact.actor.email)}")
    return f"{SHOP_URL}/pages/{fact.page}{'?' if query else ''}{'&'.join(query)}"


def page_view(out: Outbox, fact: PageView) -> bytes:
    """`page.view` with the page's fetch; on landing a document load and web vitals too."""
    if not fact.actor.has_telemetry:
        return b""
    browser, actor = of_browser(out, fact), fact.actor
    width, height = actor.browser.viewport
    never_ends = out.rng.random() < 0.004
    attributes: dict[str, str | int | float] = {
        "page.name": fact.page,
        "page.url": page_url(fact),
        "browser.name": actor.browser.user_agent,
        "viewport.width": width,
        "viewport.height": height,
        **_who(actor),
    }
    if not never_ends:
        attributes["page.load_time"] = round(fact.load_ns / NS_PER_MS, 1)
    end_ns = 0 if never_ends else fact.time_ns + fact.load_ns
    out.oddities["unfinished_span"] += never_ends
    view = browser.span(FRONTEND_APP, "page.view", INTERNAL, fact.time_ns, end_ns, attributes)
    if fact.is_landing:
        _document_load(browser, fact, view)
        _web_vitals(browser, fact, view)
    if fact.browser_failure:
        failure = exception_attributes(fact.browser_failure, actor.app_version)
        at_ns = fact.time_ns + fact.load_ns // 2
        browser.log(
            FRONTEND_APP,
            at_ns,
            ERROR_SEVERITY,
            fact.browser_failure.message,
            {**failure, **_session(actor)},
            view,
            "exception",
        )
    return _fetch(browser, actor, fact.web, page_url(fact), view) if fact.web else b""


def cart_add(out: Outbox, fact: CartAdd) -> bytes:
    """A click, `event.add_to_cart` and the tracking request."""
    if not fact.actor.has_telemetry:
        return b""
    browser, actor = of_browser(out, fact), fact.actor
    click = _interaction(browser, fact.time_ns, 30 * NS_PER_MS, "click", '//*[@id="add-to-cart"]', actor)
    attributes = {"event.name": "add_to_cart", "product.id": fact.product_id, **_who(actor)}
    browser.span(
        FRONTEND_APP,
        "event.add_to_cart",
        INTERNAL,
        fact.time_ns + NS_PER_MS,
        fact.time_ns + 2 * NS_PER_MS,
        attributes,
        click,
    )
    return _fetch(browser, actor, fact.web, f"{SHOP_URL}/api/track-event", click)


def account_form(out: Outbox, fact: Login | Registration) -> bytes:
    """The form's submit and its request, for logins and registrations."""
    if not fact.actor.has_telemetry:
        return b""
    browser, actor, request = of_browser(out, fact), fact.actor, fact.auth
    submit = _interaction(browser, fact.time_ns, (request.duration_ns or 0) + 60 * NS_PER_MS, "submit", "//form", actor)
    return _fetch(browser, actor, request, f"{SHOP_URL}{request.route}", submit)


def place_order(out: Outbox, fact: OrderAttempt) -> bytes:
    """A click, `event.place_order` and the checkout request."""
    if not fact.actor.has_telemetry:
        return b""
    browser, actor = of_browser(out, fact), fact.actor
    click = _interaction(browser, fact.time_ns, 40 * NS_PER_MS, "click", '//*[@id="place-order"]', actor)
    attributes: Attributes = {"event.name": "place_order", "cart.items.count": fact.item_count, **_who(actor)}
    browser.span(
        FRONTEND_APP,
        "event.place_order",
        INTERNAL,
        fact.time_ns + NS_PER_MS,
        fact.time_ns + 2 * NS_PER_MS,
        attributes,
        click,
    )
    return _fetch(browser, actor, fact.web, f"{SHOP_URL}/api/checkout", click)


def _who(actor: Actor) -> dict[str, str]:
    return ({"user.id": actor.user_id} if actor.user_id else {}) | _session(actor)


def _session(actor: Actor) -> dict[str, str]:
    if not actor.session_id:
        return {}
    previous = {"session.previous_id": actor.previous_session_id} if actor.previous_session_id else {}
    return {"session.id": actor.session_id, **previous}


def _fetch(browser: Emitter, actor: Actor, request: Request, url: str, parent: bytes) -> bytes:
    """The browser's request; old releases use the old conventions."""
    start_ns, status = request.start_ns - 4 * NS_PER_MS, request.http_status
    end_ns = request.end_ns + 6 * NS_PER_MS
    if actor.app_version == "1.0.0":
        name = f"HTTP {request.method}"
        attributes: Attributes = {
            "http.method": request.method, "http.url": url, "http.status_code": status, "http.host": "shop.example.com",
            "http.user_agent": actor.browser.user_agent,
        }  # fmt: skip
    else:
        name = request.method
        attributes = {
            "http.request.method": request.method, "url.full": url, "http.response.status_code": status,
            "server.address": "shop.example.com", **_session(actor),
        }  # fmt: skip
    return browser.span(
        FETCH, name, CLIENT, start_ns, end_ns, attributes, parent, status_of(status >= 400 or status == 0)
    )


def _interaction(browser: Emitter, time_ns: int, took_ns: int, kind: str, xpath: str, actor: Actor) -> bytes:
    attributes = {
        "event_type": kind,
        "target_element": "BUTTON",
        "target_xpath": xpath,
        "http.url": SHOP_URL,
        **_session(actor),
    }
    return browser.span(USER_INTERACTION, kind, INTERNAL, time_ns, time_ns + took_ns, attributes)


def _document_load(browser: Emitter, fact: PageView, parent: bytes) -> None:
    """documentLoad with documentFetch and two resourceFetch; now and then a fetch that ends before it starts."""
    start_ns, end_ns, rng = fact.time_ns, fact.time_ns + fact.load_ns, browser.out.rng
    marks = tuple(
        Event(name, start_ns + browser.skew_ns + fact.load_ns * share // 100, {})
        for name, share in (
            ("fetchStart", 0),
            ("domInteractive", 55),
            ("domContentLoadedEventEnd", 70),
            ("loadEventEnd", 100),
        )
    )
    url = {"http.url": page_url(fact)} if fact.actor.app_version == "1.0.0" else {"url.full": page_url(fact)}
    load = browser.span(DOCUMENT_LOAD, "documentLoad", INTERNAL, start_ns, end_ns, url, parent, events=marks)
    is_backwards = rng.random() < 0.006
    browser.out.oddities["end_before_start_span"] += is_backwards
    fetched_ns = start_ns - 3 * NS_PER_MS if is_backwards else start_ns + fact.load_ns * 50 // 100
    browser.span(
        DOCUMENT_LOAD,
        "documentFetch",
        INTERNAL,
        start_ns,
        fetched_ns,
        {**url, "http.response_content_length": 17_204},
        load,
    )
    for asset in ("index-5f3a91c2.js", "index-c0ffee11.css"):
        attributes = {"http.url": f"{SHOP_URL}/assets/{asset}"}
        browser.span(
            DOCUMENT_LOAD,
            "resourceFetch",
            INTERNAL,
            start_ns + fact.load_ns // 2,
            start_ns + fact.load_ns * 7 // 10,
            attributes,
            load,
        )


def _web_vitals(browser: Emitter, fact: PageView, span: bytes) -> None:
    """Events `browser.web_vital`: of the old release in the page view's trace; the new one's know the session alone."""
    for report in reports(fact):
        attributes: Attributes = {
            "browser.web_vital.name": report.name,
            "browser.web_vital.value": report.value,
            "browser.web_vital.delta": report.delta,
            "browser.web_vital.id": report.id,
            "browser.web_vital.rating": report.rating,
            "page.name": fact.page,
            **_session(fact.actor),
        }
        trace = b"" if fact.actor.session_id else span
        browser.log(WEB_VITALS, report.time_ns, INFO, "", attributes, trace, "browser.web_vital")
