"""The top of the page: the scope, the story in a few sentences, and the numbers one looks at first."""

from pipelines.report import units
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
        )
    )


def _tiles(facts: Facts) -> list[Markup]:
    everything = facts.at_level("latency", "all")
    request = everything[0] if everything else {}
    session = (facts.at_level("sessions", "all") or [{}])[0]
    unexplained = facts.unexplained_count()
    return [
        _tile("Requests", units.short_count(request.get("request_count")), "weighted by sampling"),
        _tile(
            "Error ratio",
            units.percent(request.get("error_ratio")),
            f"{units.short_count(request.get('error_count'))} with status ERROR",
        ),
        _tile(
            "p95 latency",
            units.milliseconds(request.get("p95_ms")),
            f"p50 {units.milliseconds(request.get('p50_ms'))}, p99 {units.milliseconds(request.get('p99_ms'))}",
        ),
        _tile(
            "Sessions",
            units.short_count(session.get("session_count")),
            f"page views: {units.short_count(session.get('page_view_count'))}",
        ),
        _conversion_tile(facts),
        _revenue_tile(facts),
        _tile(
            "Unexplained rows",
            units.count(unexplained),
            "sent, but not accounted for",
            None if unexplained is None else "bad" if unexplained else "good",
        ),
    ]


def _tile(name: str, value: object, note: str, class_: str | None = None) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value), tag("dd", note, class_="note"), class_=class_)


def _conversion_tile(facts: Facts) -> Markup:
    steps = facts.at_level("funnel", "all")
    own = [row for row in steps if row["funnel_name"] == steps[0]["funnel_name"]]
    if not own:
        return _tile("Conversion", units.NO_DATA, "no funnel")
    return _tile(
        "Conversion",
        units.percent(own[-1]["total_conversion_ratio"]),
        f"{own[0]['step_name']} → {own[-1]['step_name']}",
    )


def _revenue_tile(facts: Facts) -> Markup:
    """One line a currency: money is never summed across them."""
    rows = facts.at_level("revenue", "all")
    lines = [
        tag("dd", units.money(row["revenue"]), " ", tag("span", row["currency"], class_="currency"), class_="money")
        for row in rows
    ]
    orders = units.plural(sum(row["order_count"] for row in rows), "order")
    return tag("div", tag("dt", "Revenue"), *(lines or [tag("dd", units.NO_DATA)]), tag("dd", orders, class_="note"))
