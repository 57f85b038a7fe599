"""Where people go: paths from page to page, and the sessions they make."""

from collections import Counter
from typing import Any

from pipelines.report import units
from pipelines.report.facts import Facts
from pipelines.report.figures.bars import bars
from pipelines.report.figures.panels import Bars, by_day
from pipelines.report.figures.sankey import EXIT, sankey
from pipelines.report.html import Markup, tag
from pipelines.report.sections import Section
from pipelines.report.sections.conversion import DAY
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
LANDING_LIMIT = 8
DRAWN_LIMIT = 5  # page views of a session, as sql/paths.sql has them


def mean(value: float | None) -> str:
    """A mean count, one decimal."""
    return units.NO_DATA if value is None else f"{value:.1f}"


PATH_COLUMNS = (
    Column("step_number", "page view of the session", units.count),
    Column("from_page", "from"),
    Column("to_page", "to", lambda page: EXIT if page is None else str(page), is_text=True),
    Column("session_count", "sessions", units.count),
)
SESSION_COLUMNS = (
    DAY,
    Column("session_count", "sessions", units.count),
    Column("page_view_count", "page views", units.count),
    Column("pages_per_session", "page views a session", mean),
    Column("bounce_ratio", "bounced", units.percent),
    Column("median_duration_seconds", "median duration", units.seconds),
)
LANDING_COLUMNS = (
    Column("landing_page", "landing page"),
    Column("session_count", "sessions", units.count),
    Column("bounce_ratio", "bounced", units.percent),
)
SHOWN = (
    Bars("session_count", "Sessions", "a day, by their start", units.short_count),
    Bars("pages_per_session", "Page views a session", "mean", mean),
    Bars("bounce_ratio", "Bounced", "one page view and nothing else", units.percent),
)


def paths(facts: Facts) -> Section:
    rows = facts.rows("paths")
    section = Section(
        "journeys",
        "Journeys",
        ("paths",),
        "sessions (observed) · grain: page view of the session × page × next page",
        "No session has a page view: the seed of page view rules says which spans and events are page views.",
    )
    if not rows:
        return section
    return section.showing(
        _begin_and_leave(rows),
        tag("figure", tag("div", sankey(rows), class_="sankey-scroll")),
        folded("page transitions by position in the session", PATH_COLUMNS, rows),
    )


def sessions(facts: Facts) -> Section:
    days, landing = facts.at_level("sessions", "day"), facts.rows("landing_pages")
    section = Section(
        "sessions",
        "Sessions",
        ("sessions", "landing_pages"),
        "sessions (observed), ended by 30 min of inactivity, dated by their start · grain: day",
        "No session was found: a session needs a session.id or a user on a page view, action, login or order.",
    )
    if not days:
        return section
    return section.showing(
        _total(facts.at_level("sessions", "all")[0]) + ".",
        tag(
            "figure",
            by_day(days, SHOWN, _total, "Sessions by day"),
            tag("div", tag("h3", "Landing pages"), _landing(landing[:LANDING_LIMIT])),
            class_="side-by-side",
        ),
        folded("sessions by day", SESSION_COLUMNS, days),
        folded("landing pages", LANDING_COLUMNS, landing),
    )


def _begin_and_leave(rows: list[Row]) -> str:
    landed: Counter[str] = Counter()
    for row in rows:
        if row["step_number"] == 1:
            landed[row["from_page"]] += row["session_count"]
    (page, most), total = landed.most_common(1)[0], landed.total()
    drawn = max(row["step_number"] for row in rows)
    limit = f" The first {drawn} page views are drawn." if drawn >= DRAWN_LIMIT else ""
    left = sum(row["session_count"] for row in rows if row["step_number"] == 1 and row["to_page"] is None)
    return (
        f"{units.percent(most / total)} of {units.plural(total, 'session')} begin on {page}; "
        f"{units.percent(left / total)} leave after their first page.{limit}"
    )


def _landing(rows: list[Row]) -> Markup:
    return bars(
        [
            (str(row["landing_page"]), row["session_count"], units.count(row["session_count"]), _bounced(row))
            for row in rows
        ]
    )


def _bounced(row: Row) -> str:
    return f"{units.percent(row['bounce_ratio'])} bounced"


def _total(row: Row) -> str:
    half = units.seconds(max(1, row["median_duration_seconds"]))
    return (
        f"{units.plural(row['session_count'], 'session')} with {units.plural(row['page_view_count'], 'page view')}; "
        f"half lasted under {half}, {_bounced(row)}"
    )
