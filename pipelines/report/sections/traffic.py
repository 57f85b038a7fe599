"""How fast and how healthy: the heat map of routes by time, and traffic, errors and latency over time."""

from statistics import median
from typing import Any

from pipelines.report import traces, units
from pipelines.report.facts import Facts
from pipelines.report.figures.heat_map import Link, Links, heat_map
from pipelines.report.figures.panels import Bars, Lines, panels
from pipelines.report.html import Markup, tag
from pipelines.report.sections import Section, worst
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
ROUTE_LIMIT = 16
WHY_EMPTY = "No request was found: a request is a SERVER span, or a local root span that has a route or a method."
NUMBERS = (
    Column("request_count", "requests", units.count),
    Column("error_ratio", "error ratio", units.percent),
    Column("p50_ms", "p50", units.milliseconds),
    Column("p95_ms", "p95", units.milliseconds),
    Column("p99_ms", "p99", units.milliseconds),
)
ROUTE_COLUMNS = (Column("route", "route"), Column("service_name", "service"), *NUMBERS)
LEADS_TO = {"failed": "a trace that failed", "slow": "the slowest trace"}
HINT = tag(
    "p",
    tag("i", class_="to-slow"),
    "leads to the slowest trace of that time, ",
    tag("i", class_="to-failed"),
    "to one that failed; any other place in a strip, and a route's name, to the worst of the route.",
    class_="heat-hint",
)
SHOWN = (
    Lines((("p99_ms", "p99"), ("p95_ms", "p95"), ("p50_ms", "p50")), "Latency", "logarithmic", units.milliseconds),
    Bars("request_count", "Requests", "", units.short_count),
    Bars("error_ratio", "Error ratio", "requests with status ERROR", units.percent, 0.01, "bar-mark error"),
)


def heat(facts: Facts) -> Section:
    routes, cells, grain = facts.at_level("latency", "route"), facts.at_level("latency", "cell"), facts.scope.grain
    section = Section(
        "heat",
        f"Routes by {grain}",
        ("latency",),
        f"latency in ms, requests weighted by sampling · grain: {grain} × route",
        WHY_EMPTY,
    )
    if not routes:
        return section
    links = _links(facts)
    figure = heat_map(*_against_usual(routes[:ROUTE_LIMIT], cells), facts.times(), facts.scope.when, links)
    return section.showing(
        _slowest(routes[:ROUTE_LIMIT], len(routes)),
        tag("figure", figure, HINT if links.by_cell else None),
        folded("routes over the whole period", ROUTE_COLUMNS, routes),
        folded(f"each {grain} of each route", (_time(facts), *ROUTE_COLUMNS), cells),
    )


def _links(facts: Facts) -> Links:
    """From the heat map to the worst traces."""
    names = {row["route_id"]: row["route"] for row in facts.at_level("latency", "route")}
    cells = {
        place: Link(
            f"trace-{row['trace_id']}",
            f"{LEADS_TO[row['reason']]}: {names.get(row['route_id'], '')}, {facts.scope.when(row['time'])}",
            f"to-{row['reason']}",
        )
        for place, row in traces.by_cell(facts).items()
    }
    return Links(worst.group_anchors(facts), cells)


def over_time(facts: Facts) -> Section:
    rows, grain = facts.at_level("latency", "time"), facts.scope.grain
    section = Section(
        "latency",
        "Latency, traffic and errors over time",
        ("latency",),
        f"latency in ms, requests weighted by sampling, errors as a ratio of requests · grain: {grain}",
        WHY_EMPTY,
    )
    if not rows:
        return section
    routes, cells = facts.at_level("latency", "route")[:ROUTE_LIMIT], facts.at_level("latency", "cell")
    named = [("all routes", rows), *((f"{r['route']} · {r['service_name']}", _of_route(cells, r)) for r in routes)]
    figures = [tag("div", _panels(facts, own, name), hidden=number > 0) for number, (name, own) in enumerate(named)]
    options = [tag("option", name) for name, _ in named]
    choice = tag("select", *options, id="route", data_chooses="time-panels", autocomplete="off")
    chooser = tag("p", tag("label", "Route", for_="route"), choice, class_="choose script-only")
    return section.showing(
        _highest(rows, facts),
        tag("figure", chooser, tag("div", *figures, id="time-panels")),
        folded(f"all routes by {grain}", (_time(facts), *NUMBERS), rows),
    )


def _time(facts: Facts) -> Column:
    return Column("time", facts.scope.grain, facts.scope.when, is_text=True)


def _against_usual(routes: list[Row], cells: list[Row]) -> tuple[list[Row], list[Row]]:
    """Both with times_usual: p95 of a cell over the median of its route's cells; for a route, its highest."""
    p95s = {route["route_id"]: [c["p95_ms"] for c in _of_route(cells, route) if c["p95_ms"]] for route in routes}
    usual = {route_id: median(values) for route_id, values in p95s.items() if values}
    highest = {route_id: max(p95s[route_id]) / usual_ms for route_id, usual_ms in usual.items()}
    drawn = [cell for cell in cells if cell["route_id"] in p95s]
    return (
        [{**route, "times_usual": highest.get(route["route_id"])} for route in routes],
        [
            {**cell, "times_usual": cell["p95_ms"] / usual[cell["route_id"]] if cell["p95_ms"] else None}
            for cell in drawn
        ],
    )


def _of_route(cells: list[Row], route: Row) -> list[Row]:
    return [cell for cell in cells if cell["route_id"] == route["route_id"]]


def _panels(facts: Facts, rows: list[Row], name: str) -> Markup:
    by_time = {row["time"]: row for row in rows}
    tips = [_tip(by_time.get(time), facts.scope.when(time)) for time in facts.times()]
    return panels(rows, facts.times(), SHOWN, tips, f"Latency, requests and errors over time, {name}")


def _tip(row: Row | None, when: str) -> str:
    if row is None:
        return f"{when}\nno requests"
    quantiles = " · ".join(f"{name} {units.milliseconds(row[f'{name}_ms'])}" for name in ("p50", "p95", "p99"))
    errors = units.percent(row["error_ratio"])
    return f"{when}\n{quantiles}\n{units.plural(row['request_count'], 'request')}, {errors} errors"


def _slowest(shown: list[Row], route_count: int) -> str:
    timed = [route for route in shown if route["p95_ms"] is not None]
    if not timed:
        return "No request had a usable duration."
    slowest = max(timed, key=lambda route: route["p95_ms"])
    drawn = f" The {len(shown)} busiest of {route_count} routes are drawn." if route_count > len(shown) else ""
    return (
        f"{slowest['route']} ({slowest['service_name']}) is the slowest: p95 {units.milliseconds(slowest['p95_ms'])} "
        f"over {units.plural(slowest['request_count'], 'request')}.{drawn}"
    )


def _highest(rows: list[Row], facts: Facts) -> str:
    timed = [row for row in rows if row["p95_ms"] is not None]
    if not timed:
        return "No request had a usable duration."
    slowest = max(timed, key=lambda row: row["p95_ms"])
    failing = max(rows, key=lambda row: row["error_ratio"] or 0)
    when, ratio = facts.scope.when(failing["time"]), failing["error_ratio"]
    failed = f"The error ratio was highest on {when}: {units.percent(ratio)}." if ratio else "No request failed."
    slow = f"p95 was highest on {facts.scope.when(slowest['time'])}: {units.milliseconds(slowest['p95_ms'])}."
    return f"{slow} {failed}"
