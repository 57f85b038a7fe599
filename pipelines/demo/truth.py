"""truth.json: what the shop knows about itself. Tests hold lake and marts to it.

Numbers come from the model's facts and from the plan of what was sent, never from reading the output.
Lists of rows have one object per key; dates are UTC; excluded traffic (health checks, synthetic monitor, bots) is in
`excluded` alone, except where a field says otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.demo.catalog import SERVICES
from pipelines.demo.collector import Sent
from pipelines.demo.emit_metrics import LONG_RUNNING_SERVICE
from pipelines.demo.journeys_truth import Rows, funnel_rows, release_rows, session_rows, sessions, transition_rows
from pipelines.demo.observed import Observed, RequestKey, Served
from pipelines.demo.shop import BROKEN_RELEASE, Shop, utc_date
from pipelines.demo.sources import pod_name
from pipelines.demo.tally import Series, Tally, export_time_ns

COUNTED_BY = "demo truth"
QUANTILES = (50, 95, 99)


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
    whose spans were kept by the sampler (equal except for the sampled service). `unfinished_count` has no duration."""
    latency_daily: Rows
    """The same by day."""
    sessions: Rows
    """Sessions by start date: key is session.id if sent, else user.id; a pause of more than 30 minutes between
    activities (page view, cart, login, registration, order) starts a new one. A bounce has exactly one page view."""
    transitions: Rows
    """Page → next page inside one session, by the session's start date."""
    page_views: Rows
    """Page views by page and date: one per trace and page, known session or not, failed answers included."""
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
    `log_record_count` how often it shows there. A sampled-out trace shows its exceptions as log records only."""
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
        rows=_row_counts(sent),
        dead_letters=_dead_letters(plan),
        spans=_counted(plan.spans, ("environment", "service_name", "kind", "status_code", "event_date"), "span_count"),
        logs=_counted(plan.logs, ("environment", "service_name", "severity_text", "event_date"), "log_count"),
        metric_points=_counted(plan.metric_points, ("metric_name", "metric_type", "event_date"), "point_count"),
        oddities=dict(sorted({**plan.oddities, "conflicting_span": sent.conflicting_span_count}.items())),
        sampling=_sampling(observed),
        latency_hourly=_latency(observed, daily=False),
        latency_daily=_latency(observed, daily=True),
        sessions=session_rows(found),
        transitions=transition_rows(found),
        page_views=_counted(observed.page_views, ("environment", "event_date", "page_name"), "page_view_count"),
        funnel=funnel_rows(found),
        orders=_money(observed.orders, ("environment", "order_date", "order_currency"), "order"),
        registrations=_counted(observed.registrations, ("environment", "event_date"), "registration_count"),
        logins=_counted(
            observed.logins, ("environment", "event_date", "login_status", "login_failure_reason"), "login_count"
        ),
        payments=_money(
            observed.payments,
            ("environment", "event_date", "payment_method", "payment_gateway", "payment_status", "payment_currency"),
            "payment",
        ),
        errors=_errors(observed),
        counters=[_counter(shop, series, increments) for series, increments in sorted(tally.counts.items())],
        histograms=[_histogram(shop, series, tally) for series in sorted(tally.observations)],
        active_users=_counted(
            Counter((e, d) for e, d, _ in observed.active_users), ("environment", "event_date"), "user_count"
        ),
        excluded=_excluded(observed),
        release={
            "service_name": "order-service",
            "version": BROKEN_RELEASE,
            "start_unix_ns": shop.broken_window.start_ns,
            "end_unix_ns": shop.broken_window.end_ns,
            "order_attempts": _counted(
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


def nearest_rank(ordered: list[int], percent: int) -> int | None:
    """Exact percentile of sorted values: sorted[ceil(q·n) − 1]; None when there are none."""
    return ordered[math.ceil(percent * len(ordered) / 100) - 1] if ordered else None


def _counted(counter: Counter[Any], names: tuple[str, ...], measure: str) -> Rows:
    return [{**dict(zip(names, keys, strict=True)), measure: n} for keys, n in sorted(counter.items()) if n]


def _row_counts(sent: Sent) -> Rows:
    return [
        {
            "table_name": table,
            "event_date": date,
            "row_count": n,
            "delivered_row_count": sent.delivered_rows[table, date],
            "distinct_row_count": n - (sent.rebatched_spans[date] if table == "traces" else 0),
        }
        for (table, date), n in sorted(sent.rows.items())
    ]


def _dead_letters(plan: Plan) -> Rows:
    return _counted(plan.dead_letters, ("signal", "reason", "scope"), "dead_letter_count")


def _sampling(observed: Observed) -> dict[str, Any]:
    served = [s for key, group in observed.served.items() if key.service_name == LONG_RUNNING_SERVICE for s in group]
    kept = sum(s.is_kept for s in served)
    return {
        "service_name": LONG_RUNNING_SERVICE,
        "ratio": 0.25,
        "request_count": len(served),
        "kept_request_count": kept,
    }


def _latency(observed: Observed, daily: bool) -> Rows:
    groups: dict[tuple[str, ...], list[Served]] = {}
    for key, served in observed.served.items():
        groups.setdefault((*key[:5], _period(key, daily)), []).extend(served)
    names = (
        "environment",
        "service_namespace",
        "service_name",
        "http_route",
        "http_method",
        "date" if daily else "hour",
    )
    return [{**dict(zip(names, keys, strict=True)), **_measures(group)} for keys, group in sorted(groups.items())]


def _period(key: RequestKey, daily: bool) -> str:
    date = utc_date(key.hour_ns)
    return date if daily else f"{date}T{key.hour_ns // 3_600_000_000_000 % 24:02d}:00:00Z"


def _measures(served: list[Served]) -> dict[str, Any]:
    kept = [s for s in served if s.is_kept]
    return {
        "request_count": len(served),
        "error_count": sum(s.is_error for s in served),
        "http_5xx_count": sum(s.is_5xx for s in served),
        "unfinished_count": sum(s.duration_ns is None for s in served),
        **_percentiles(served, ""),
        "kept_request_count": len(kept),
        "kept_error_count": sum(s.is_error for s in kept),
        **_percentiles(kept, "kept_"),
    }


def _percentiles(served: Iterable[Served], prefix: str) -> dict[str, int | None]:
    ordered = sorted(s.duration_ns for s in served if s.duration_ns is not None)
    return {f"{prefix}p{q}_ns": nearest_rank(ordered, q) for q in QUANTILES}


def _money(amounts: dict[tuple[str, ...], list[Decimal]], names: tuple[str, ...], what: str) -> Rows:
    return [
        {
            **dict(zip(names, keys, strict=True)),
            f"{what}_count": len(values),
            "amount_total": f"{sum(values, Decimal(0)):f}",
            "amount_average": f"{(sum(values, Decimal(0)) / len(values)).quantize(Decimal('1e-9'), ROUND_HALF_UP):f}",
        }
        for keys, values in sorted(amounts.items())
    ]


def _errors(observed: Observed) -> Rows:
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for (*keys, shows), n in observed.exceptions.items():
        groups.setdefault(tuple(keys), Counter())[shows] += n
    names = ("environment", "service_name", "exception_type")
    return [
        {
            **dict(zip(names, keys, strict=True)),
            "exception_count": sum(shows.values()),
            "span_event_count": shows["span"] + shows["both"],
            "log_record_count": shows["log"] + shows["both"],
        }
        for keys, shows in sorted(groups.items())
    ]


def _excluded(observed: Observed) -> Rows:
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for (*keys, kept), n in observed.excluded.items():
        groups.setdefault(tuple(keys), Counter())[kept] += n
    names = ("environment", "event_date", "reason", "service_name")
    return [
        {**dict(zip(names, keys, strict=True)), "request_count": sum(n.values()), "kept_request_count": n["kept"]}
        for keys, n in sorted(groups.items())
    ]


def _series(series: Series) -> dict[str, Any]:
    pod = series.pod
    return {
        "environment": pod.environment,
        "service_namespace": SERVICES[pod.service].namespace,
        "service_name": pod.service,
        "service_version": pod.version,
        "service_instance_id": pod_name(*pod),
        "metric_name": series.metric,
        "attributes": dict(series.attributes),
    }


def _counter(shop: Shop, series: Series, increments: Counter[int]) -> dict[str, Any]:
    visible = {i: n for i, n in increments.items() if i > 0 or series.pod.service != LONG_RUNNING_SERVICE}
    return {**_series(series), "increase": sum(visible.values()), "increase_by_date": _by_date(shop, series, visible)}


def _histogram(shop: Shop, series: Series, tally: Tally) -> dict[str, Any]:
    intervals = tally.observations[series]
    counts = {interval: len(values) for interval, values in intervals.items()}
    total = math.fsum(o.value for values in intervals.values() for o in values)
    return {
        **_series(series),
        "count": sum(counts.values()),
        "sum": total,
        "count_by_date": _by_date(shop, series, counts),
    }


def _by_date(shop: Shop, series: Series, by_interval: dict[int, int]) -> dict[str, int]:
    dates: Counter[str] = Counter()
    for interval, n in by_interval.items():
        dates[utc_date(export_time_ns(shop, series.pod.environment, interval))] += n
    return dict(sorted(dates.items()))
