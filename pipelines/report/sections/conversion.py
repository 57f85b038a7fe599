"""Who buys: funnels with what they lose, orders and revenue by currency."""

from itertools import groupby
from typing import Any

from pipelines.report import sentences, story, units
from pipelines.report.facts import Facts
from pipelines.report.figures.bars import Bar, bars
from pipelines.report.figures.funnel import conversion_by_day, funnel
from pipelines.report.figures.panels import Bars, by_day
from pipelines.report.html import Markup, tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
DAY_LIMIT, CAUSE_LIMIT = 7, 5
DAY = Column("event_date", "day", units.day)


def _if_any(format_: units.Format) -> units.Format:
    """The format, and a dash where there is nothing to tell: no step comes before the first."""
    return lambda value: "–" if value is None else format_(value)


STEP_COLUMNS = (
    Column("funnel_name", "funnel"),
    Column("step_number", "step", units.count),
    Column("step_name", "name"),
    Column("reached_count", "sessions that reached it", units.count),
    Column("step_conversion_ratio", "continued from the step before", _if_any(units.percent)),
    Column("total_conversion_ratio", "of the first step", units.percent),
    Column("lost_count", "lost on the way here", _if_any(units.count)),
)
FAILED_COLUMNS = (
    Column("service_name", "service"),
    Column("service_version", "version"),
    Column("payment_status", "payment"),
    Column("failed_order_count", "failed attempts", units.count),
    Column("first_time", "first (UTC)", units.moment, is_text=True),
    Column("last_time", "last (UTC)", units.moment, is_text=True),
    Column("sample_trace_id", "trace of one"),
)
CAUSES = {"backend_error": "a request failed", "backend_slow": "a request was slow", "none": "nothing was met"}
CAUSE_COLUMNS = (
    Column("funnel_name", "funnel"),
    Column("step_name", "missing step"),
    Column("cause", "met", lambda cause: CAUSES.get(cause, str(cause)), is_text=True),
    Column("service_name", "service"),
    Column("service_version", "version"),
    Column("operation", "operation"),
    Column("error_type", "error"),
    Column("entry_count", "sessions that met it", units.count),
    Column("dropped_count", "of them left", units.count),
    Column("dropped_ratio", "share that left", units.percent),
    Column("sample_trace_id", "trace of one"),
)
REVENUE_COLUMNS = (
    DAY,
    Column("currency", "currency"),
    Column("order_count", "orders", units.count),
    Column("revenue", "revenue", units.money),
    Column("average_order_value", "average order", units.money),
)


def funnels(facts: Facts) -> Section:
    totals, days = facts.at_level("funnel", "all"), facts.at_level("funnel", "day")
    section = Section(
        "funnel",
        "Funnel",
        ("funnel", "dropoff_causes", "failed_orders"),
        "sessions (observed, not weighted), steps in order · grain: funnel × step, dated by the first step",
        "No session reached the first step of a funnel: the seed funnel_steps says what a step is.",
    )
    if not any(row["reached_count"] for row in totals):
        return section
    return section.showing(
        _funnel_takeaway(totals, days),
        *(_funnel(name, list(steps), days) for name, steps in groupby(totals, key=lambda row: row["funnel_name"])),
        *_causes(facts.rows("dropoff_causes")),
        *_failed(facts.rows("failed_orders")),
        folded("funnel over the whole period", STEP_COLUMNS, totals),
        folded("funnel by day", (DAY, *STEP_COLUMNS), days),
    )


def revenue(facts: Facts) -> Section:
    totals, rows = facts.at_level("revenue", "all"), facts.at_level("revenue", "day")
    section = Section(
        "revenue",
        "Orders and revenue",
        ("revenue",),
        "orders; money in each currency on its own, never summed across · grain: day × currency",
        "No order was found: the seed of order rules says which spans and events are orders.",
    )
    if not rows:
        return section
    figures = [
        _currency(row["currency"], [own for own in rows if own["currency"] == row["currency"]]) for row in totals
    ]
    return section.showing(
        " ".join(f"{_total(row)}." for row in totals),
        tag("figure", *figures, class_="side-by-side small"),
        folded("orders and revenue by day", REVENUE_COLUMNS, rows),
    )


def _funnel(name: str, steps: list[Row], days: list[Row]) -> Markup:
    own = [row for row in days if row["funnel_name"] == name]
    dates = sorted({row["event_date"] for row in own})[-DAY_LIMIT:]
    by_day = {(row["event_date"], row["step_number"]): row for row in own}
    broken = {(step.event_date, step.step_name) for step in story.broken_steps(own)}
    by_side = tag("div", funnel(steps), conversion_by_day(dates, steps, by_day, broken), class_="side-by-side")
    return tag("figure", tag("h3", name), by_side)


def _funnel_takeaway(totals: list[Row], days: list[Row]) -> str:
    broken = story.broken_steps(days)
    if broken:
        return sentences.broken(broken[0])
    first, last = totals[0], [row for row in totals if row["funnel_name"] == totals[0]["funnel_name"]][-1]
    ratio, entered = units.percent(last["total_conversion_ratio"]), units.plural(first["reached_count"], "session")
    return f"{ratio} of {entered} went from {first['step_name']} to {last['step_name']}."


def _causes(rows: list[Row]) -> list[Markup]:
    """What sessions met before a step that they did not reach: of each funnel the largest, and all as a table."""
    if not rows:
        return []
    groups = [(name, list(own)) for name, own in groupby(rows, key=lambda row: row["funnel_name"])]
    drawn = [
        tag("div", tag("h3", f"Met before leaving: {name}"), bars([_cause(row, own) for row in _met(own)]))
        for name, own in groups
        if _met(own)
    ]
    figure = [tag("figure", *drawn, class_="side-by-side")] if drawn else []
    return [*figure, folded("what was met before a missing step", CAUSE_COLUMNS, rows)]


def _met(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["cause"] != "none" and row["dropped_count"]][:CAUSE_LIMIT]


def _cause(row: Row, rows: list[Row]) -> Bar:
    """Sessions lost, with how often one is lost before the same step that met nothing."""
    usual = [
        other["dropped_ratio"] for other in rows if (other["cause"], other["step_name"]) == ("none", row["step_name"])
    ]
    than = f", {units.percent(usual[0])} of those that met nothing" if usual else ""
    kind = CAUSES.get(row["cause"], row["cause"])
    name = f"{row['service_name']} {row['service_version']} · {row['operation']}"
    lost = f"of {units.plural(row['entry_count'], 'session')} {units.percent(row['dropped_ratio'])} left{than}"
    return name, row["dropped_count"], units.count(row["dropped_count"]), f"{kind}, before {row['step_name']}: {lost}"


def _failed(rows: list[Row]) -> list[Markup]:
    """What stopped attempts to order: the largest causes, and all of them as a table."""
    if not rows:
        return []
    entries = [
        (
            f"{row['service_name']} {row['service_version']} · {row['payment_status']}",
            row["failed_order_count"],
            _when(row),
        )
        for row in rows[:CAUSE_LIMIT]
    ]
    causes = bars([(name, count, units.count(count), note) for name, count, note in entries])
    heading = tag("h3", f"{units.plural(sum(row['failed_order_count'] for row in rows), 'attempt')} to order failed")
    return [tag("figure", heading, causes), folded("failed attempts to order by cause", FAILED_COLUMNS, rows)]


def _when(row: Row) -> str:
    first, last = units.moment(row["first_time"]), units.moment(row["last_time"])
    return f"{first} to {last} UTC, for example trace {row['sample_trace_id']}"


def _currency(currency: str, rows: list[Row]) -> Markup:
    shown = (
        Bars("revenue", f"Revenue, {currency}", "a day", units.short_count),
        Bars("order_count", "Orders", f"a day, in {currency}", units.short_count),
    )
    return by_day(rows, shown, _total, f"Orders and revenue in {currency} by day")


def _total(row: Row) -> str:
    orders, mean = units.plural(row["order_count"], "order"), units.money(row["average_order_value"])
    return f"{row['currency']} {units.money(row['revenue'])} from {orders}, {mean} on average"
