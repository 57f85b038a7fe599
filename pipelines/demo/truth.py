"""truth.json: what the shop knows about itself. Tests hold lake and marts to it.

Numbers come from the model's facts and from the plan of what was sent, never from reading the output.
Lists of rows have one object per key; dates are UTC; excluded traffic (health checks, synthetic monitor, bots) is in
`excluded` alone, except where a field says otherwise.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipelines.demo import truth_numbers as numbers
from pipelines.demo.collector import Sent
from pipelines.demo.journeys_truth import Rows, funnel_rows, release_rows, session_rows, sessions, transition_rows
from pipelines.demo.observed import Observed
from pipelines.demo.shop import BROKEN_RELEASE, Shop
from pipelines.demo.tally import Tally

COUNTED_BY = "demo truth"


@dataclass(slots=True)
class Plan:
    """What the emitters put on the wire, counted while they did."""

    sent: Sent = field(default_factory=Sent)
    spans: Counter[tuple[str, ...]] = field(default_factory=Counter)
    logs: Counter[tuple[str, ...]] = field(default_factory=Counter)
    metric_points: Counter[tuple[str, ...]] = field(default_factory=Counter)
    oddities: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[tuple[str, ...]] = field(default_factory=Counter)


@dataclass(slots=True)
class Truth:
    """Every key of truth.json."""

    parameters: dict[str, Any]
    """seed, start, days, users: what the run was asked for."""
    messages: Rows
    """By signal: distinct requests, and those delivered again with the same bytes. Undecodable ones are not in here."""
    rows: Rows
    """By table and event_date: `row_count` of distinct requests (what outside_counts.json says), `delivered_row_count`
    with repeated deliveries, `distinct_row_count` after natural-key deduplication (re-batched spans counted once)."""
    dead_letters: Rows
    """By signal (unknown where nothing tells), reason and scope: a `message` that nobody can read, or a single `row`
    beside good ones. Each counted once; not in `rows` nor `messages`."""
    spans: Rows
    """Distinct spans sent by environment, service, kind, status and date, excluded traffic and staging included."""
    logs: Rows
    """Log records by environment, service, severity text and date, excluded traffic included."""
    metric_points: Rows
    """Points by metric, type and date."""
    oddities: dict[str, int]
    """unfinished_span (end 0), end_before_start_span, lost_parent_span (never sent, its children were),
    conflicting_span (same key sent twice with another end; the later end wins)."""
    sampling: dict[str, Any]
    """The head-sampled service: its declared ratio, requests served in truth and requests whose spans were kept."""
    latency_hourly: Rows
    """Requests by environment, namespace, service, route, method and UTC hour of their start. `*_ns` are exact
    nearest-rank percentiles, sorted[ceil(q·n)−1], over all that were answered. `kept_*` is the same over the requests
    whose spans were kept by the sampler (equal except for the sampled service). `unfinished_count` has no duration;
    `kept_under_500ms_count` is of the `kept_finished_count` that have one."""
    latency_daily: Rows
    """The same by day."""
    sessions: Rows
    """Sessions by start date: key is session.id if sent, else user.id; a pause of more than 30 minutes between
    activities (page view, cart, login, registration, order) starts a new one. A bounce has exactly one page view."""
    transitions: Rows
    """Page → next page inside one session, by the session's start date."""
    page_views: Rows
    """Page views by page and date: one per trace and page, known session or not, failed answers included."""
    web_vitals: Rows
    """Page loads by page, vital, date and rating; a page load's last report counts. `p75` is the exact nearest rank."""
    funnel: Rows
    """Sessions that reached product_detail → cart → checkout (page views) → order, each at its first touch at or after
    the step before, by date of the first step. Any window of at least three hours gives these numbers."""
    orders: Rows
    """Orders by currency and date: count, revenue and average order value as decimal text."""
    registrations: Rows
    """Registrations by date."""
    logins: Rows
    """Login attempts by status (success, failed, error), failure reason and date; the attack of day one included."""
    payments: Rows
    """Payments by method, gateway ("" when none was asked), status, currency and date; amounts as decimal text."""
    errors: Rows
    """Exceptions by service and type: `exception_count` is each counted once however it shows, `span_event_count` and
    `log_record_count` how often it shows there. A sampled-out trace shows its exceptions as log records only.
    ValidationException of order-service is absent in the broken release and comes back after it."""
    counters: Rows
    """Counter series: true increase as a reader of the points can know it (a series that began before the shop's first
    day counts from its first point on), in all and by date of the point that shows it."""
    histograms: Rows
    """Histogram series: observations in all and by date, and their sum."""
    active_users: Rows
    """Distinct users with an activity, by date."""
    excluded: Rows
    """Requests of excluded traffic by environment, date, reason and service; `kept_request_count` left a span."""
    release: dict[str, Any]
    """The broken release: version, window, order attempts by version and outcome, checkout → order around it."""


def build(shop: Shop, observed: Observed, plan: Plan, tally: Tally) -> Truth:
    """The truth of one run."""
    found = sessions(observed.activities)
    sent = plan.sent
    return Truth(
        parameters={"seed": shop.seed, "start": shop.start.isoformat(), "days": shop.days, "users": shop.users},
        messages=[
            {"signal": signal, "message_count": n, "repeated_message_count": sent.repeated_messages[signal]}
            for signal, n in sorted(sent.messages.items())
        ],
        rows=numbers.row_counts(sent),
        dead_letters=numbers.counted(plan.dead_letters, ("signal", "reason", "scope"), "dead_letter_count"),
        spans=numbers.counted(
            plan.spans, ("environment", "service_name", "kind", "status_code", "event_date"), "span_count"
        ),
        logs=numbers.counted(plan.logs, ("environment", "service_name", "severity_text", "event_date"), "log_count"),
        metric_points=numbers.counted(plan.metric_points, ("metric_name", "metric_type", "event_date"), "point_count"),
        oddities=dict(sorted({**plan.oddities, "conflicting_span": sent.conflicting_span_count}.items())),
        sampling=numbers.sampling(observed),
        latency_hourly=numbers.latency(observed, daily=False),
        latency_daily=numbers.latency(observed, daily=True),
        sessions=session_rows(found),
        transitions=transition_rows(found),
        page_views=numbers.counted(observed.page_views, ("environment", "event_date", "page_name"), "page_view_count"),
        web_vitals=numbers.web_vitals(observed),
        funnel=funnel_rows(found),
        orders=numbers.money(observed.orders, ("environment", "order_date", "order_currency"), "order"),
        registrations=numbers.counted(observed.registrations, ("environment", "event_date"), "registration_count"),
        logins=numbers.counted(
            observed.logins, ("environment", "event_date", "login_status", "login_failure_reason"), "login_count"
        ),
        payments=numbers.money(
            observed.payments,
            ("environment", "event_date", "payment_method", "payment_gateway", "payment_status", "payment_currency"),
            "payment",
        ),
        errors=numbers.errors(observed),
        counters=[numbers.counter(shop, series, increments) for series, increments in sorted(tally.counts.items())],
        histograms=[numbers.histogram(shop, series, tally) for series in sorted(tally.observations)],
        active_users=numbers.counted(
            Counter((e, d) for e, d, _ in observed.active_users), ("environment", "event_date"), "user_count"
        ),
        excluded=numbers.excluded(observed),
        release={
            "service_name": "order-service",
            "version": BROKEN_RELEASE,
            "start_unix_ns": shop.broken_window.start_ns,
            "end_unix_ns": shop.broken_window.end_ns,
            "order_attempts": numbers.counted(
                observed.order_attempts, ("environment", "service_version", "outcome"), "attempt_count"
            ),
            "checkout_to_order": release_rows(shop, found),
        },
    )


def outside_counts(truth: Truth) -> Rows:
    """Rows of the outside_counts table: what was sent, redeliveries and dead letters not counted."""
    return [
        {
            "counted_by": COUNTED_BY,
            "table_name": row["table_name"],
            "event_date": row["event_date"],
            "row_count": row["row_count"],
        }
        for row in truth.rows
    ]
