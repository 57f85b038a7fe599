"""Sessions and the funnel as semantics.md defines them, worked out from the model's activities."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby, pairwise
from typing import Any

from pipelines.demo.observed import Activity
from pipelines.demo.shop import Shop, utc_date

SESSION_GAP_NS = 30 * 60 * 1_000_000_000
FUNNEL_STEPS = ("product_detail", "cart", "checkout", "order")

Session = list[Activity]
Rows = list[dict[str, Any]]


def sessions(activities: list[Activity]) -> list[Session]:
    """Activities of one key with no pause of more than 30 minutes between them, in order of time."""
    found: list[Session] = []
    ordered = sorted(activities, key=lambda a: (a.environment, a.key, a.time_ns))
    for _, group in groupby(ordered, key=lambda a: (a.environment, a.key)):
        current: Session = []
        for activity in group:
            if current and activity.time_ns - current[-1].time_ns > SESSION_GAP_NS:
                found.append(current)
                current = []
            current.append(activity)
        found.append(current)
    return found


def session_rows(found: list[Session]) -> Rows:
    """One row per environment and start date."""
    by_day: dict[tuple[str, str], list[Session]] = defaultdict(list)
    for session in found:
        by_day[session[0].environment, utc_date(session[0].time_ns)].append(session)
    return [
        {
            "environment": environment,
            "session_date": date,
            "session_count": len(day),
            "page_view_count": sum(_page_count(s) for s in day),
            "bounced_session_count": sum(_page_count(s) == 1 for s in day),
            "session_with_order_count": sum(any(a.what == "order" for a in s) for s in day),
            "crossing_midnight_count": sum(utc_date(s[-1].time_ns) != utc_date(s[0].time_ns) for s in day),
            "sessions_by_page_view_count": dict(sorted(Counter(str(_page_count(s)) for s in day).items())),
            "landing_pages": dict(sorted(Counter(pages[0] for s in day if (pages := _pages(s))).items())),
            "exit_pages": dict(sorted(Counter(pages[-1] for s in day if (pages := _pages(s))).items())),
        }
        for (environment, date), day in sorted(by_day.items())
    ]


def transition_rows(found: list[Session]) -> Rows:
    """Page to next page inside a session: one row per environment, start date, from and to."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for session in found:
        pages = _pages(session)
        date = utc_date(session[0].time_ns)
        counts.update((session[0].environment, date, a, b) for a, b in pairwise(pages))
    names = ("environment", "session_date", "from_page", "to_page")
    return [{**dict(zip(names, keys, strict=True)), "transition_count": n} for keys, n in sorted(counts.items())]


def funnel_times(session: Session) -> list[int]:
    """When each step was reached: the first touch at or after the step before; ends at the first step not reached."""
    times: list[int] = []
    for step in FUNNEL_STEPS:
        earliest_ns = times[-1] if times else 0
        touch = next((a.time_ns for a in session if a.what == step and a.time_ns >= earliest_ns), None)
        if touch is None:
            break
        times.append(touch)
    return times


def funnel_rows(found: list[Session]) -> Rows:
    """Sessions that reached each step, by environment and date of the first step."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for session in found:
        times = funnel_times(session)
        for step, _ in zip(FUNNEL_STEPS, times, strict=False):
            counts[session[0].environment, utc_date(times[0]), step] += 1
    days = sorted({keys[:2] for keys in counts})
    return [
        {"environment": e, "funnel_date": d, **{f"{step}_session_count": counts[e, d, step] for step in FUNNEL_STEPS}}
        for e, d in days
    ]


def release_rows(shop: Shop, found: list[Session]) -> Rows:
    """Production sessions that reached checkout before, during and after the broken release, and how many ordered."""
    window = shop.broken_window
    counts: Counter[tuple[str, bool]] = Counter()
    for session in found:
        times = funnel_times(session)
        if len(times) < 3 or session[0].environment != "production":
            continue
        when = "during" if times[2] in window else "before" if times[2] < window.start_ns else "after"
        counts[when, len(times) == 4] += 1
    return [
        {
            "phase": phase,
            "checkout_session_count": counts[phase, True] + counts[phase, False],
            "order_session_count": counts[phase, True],
        }
        for phase in ("before", "during", "after")
    ]


def _pages(session: Session) -> list[str]:
    return [a.what for a in session if a.is_page]


def _page_count(session: Session) -> int:
    return len(_pages(session))
