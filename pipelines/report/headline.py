"""The top of the page: the scope, the story in a few sentences, and the numbers one looks at first."""

from typing import Any

from pipelines.report import units
from pipelines.report.deltas import change
from pipelines.report.facts import Facts
from pipelines.report.html import Markup, join, tag
from pipelines.report.sentences import sentences


def lead(facts: Facts) -> Markup:
    scope = facts.scope
    as_of = f"{units.long_day(scope.as_of.date())} {scope.as_of:%H:%M} UTC"
    lines = [tag("li", sentence.text, class_=sentence.tone) for sentence in sentences(facts)]
    return join(
        (
            tag(
                "div",
                tag("h1", f"{scope.title()}, {scope.period()}"),
                tag("p", f"As of the build of {as_of}. All times are UTC.", class_="scope"),
                tag("ul", *lines, class_="story"),
                class_="lead",
            ),
            tag("dl", *_tiles(facts), class_="tiles", aria_label="Headline numbers"),
            tag("p", _compared(facts), class_="compared"),
        )
    )


def _compared(facts: Facts) -> str:
    current, previous = facts.scope.current, facts.scope.previous
    if not current:
        return "No data to compare."
    if not previous:
        return f"No earlier data to compare {current.name()} with."
    return f"Changes: {current.name()} against {previous.name()}, whole days in UTC; large numbers: the whole period."


def _tiles(facts: Facts) -> list[Markup]:
    everything = facts.at_level("latency", "all")
    request = everything[0] if everything else {}
    session = (facts.at_level("sessions", "all") or [{}])[0]
    unexplained = facts.unexplained_count()
    return [
        _tile(
            "Requests",
            units.short_count(request.get("request_count")),
            "weighted by sampling",
            _delta(facts, "request_count", units.short_count),
        ),
        _tile(
            "Error ratio",
            units.percent(request.get("error_ratio")),
            f"{units.short_count(request.get('error_count'))} with status ERROR",
            _delta(facts, "error_ratio", units.percent, "bad", is_ratio=True),
        ),
        _tile(
            "p95 latency",
            units.milliseconds(request.get("p95_ms")),
            f"p50 {units.milliseconds(request.get('p50_ms'))}, p99 {units.milliseconds(request.get('p99_ms'))}",
            _delta(facts, "p95_ms", units.milliseconds, "bad"),
        ),
        _tile(
            "Sessions",
            units.short_count(session.get("session_count")),
            f"page views: {units.short_count(session.get('page_view_count'))}",
            _delta(facts, "session_count", units.short_count, "good"),
        ),
        _conversion_tile(facts),
        _revenue_tile(facts),
        _tile(
            "Unexplained rows",
            units.count(unexplained),
            "sent, but not accounted for",
            class_=None if unexplained is None else "bad" if unexplained else "good",
        ),
    ]


def _delta(
    facts: Facts, name: str, format_: units.Format, higher_is: str = "plain", *, is_ratio: bool = False
) -> Markup | None:
    """The number of the last whole days, and what became of that of the days before."""
    rows = {row["period"]: row[name] for row in facts.at_level("overview", "numbers")}
    return _change(facts, rows.get("current"), rows.get("previous"), format_, higher_is, is_ratio=is_ratio)


def _change(
    facts: Facts, now: Any, then: Any, format_: units.Format, higher_is: str, *, is_ratio: bool = False
) -> Markup | None:
    if not facts.scope.current or not facts.scope.previous:
        return None
    found = change(now, then, higher_is, is_ratio=is_ratio)
    value = f"{facts.scope.current.name()}: {format_(now)}" if now is not None else facts.scope.current.name()
    return tag("dd", tag("span", value), " ", tag("b", found.text, class_=found.tone), class_="delta")


def _tile(name: str, value: object, note: str, delta: Markup | None = None, *, class_: str | None = None) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value), tag("dd", note, class_="note"), delta, class_=class_)


def _conversion_tile(facts: Facts) -> Markup:
    steps = facts.at_level("funnel", "all")
    own = [row for row in steps if row["funnel_name"] == steps[0]["funnel_name"]]
    if not own:
        return _tile("Conversion", units.NO_DATA, "no funnel")
    return _tile(
        "Conversion",
        units.percent(own[-1]["total_conversion_ratio"]),
        f"{own[0]['step_name']} → {own[-1]['step_name']}",
        _delta(facts, "conversion_ratio", units.percent, "good", is_ratio=True),
    )


def _revenue_tile(facts: Facts) -> Markup:
    """Lines for each currency: money is never summed across them."""
    rows = facts.at_level("revenue", "all")
    lines = [part for row in rows for part in (_money(row), _revenue_change(facts, row["currency"]))]
    orders = units.plural(sum(row["order_count"] for row in rows), "order")
    return tag("div", tag("dt", "Revenue"), *(lines or [tag("dd", units.NO_DATA)]), tag("dd", orders, class_="note"))


def _money(row: dict[str, Any]) -> Markup:
    currency = tag("span", row["currency"], class_="currency")
    return tag("dd", units.money(row["revenue"]), " ", currency, class_="money")


def _revenue_change(facts: Facts, currency: str) -> Markup | None:
    own = [row for row in facts.at_level("overview", "revenue") if row["currency"] == currency]
    by_period = {row["period"]: row["revenue"] for row in own}
    return _change(facts, by_period.get("current"), by_period.get("previous"), units.money, "good")
