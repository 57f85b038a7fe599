"""Traffic and latency by time and route: a strip a route, a layer a measure, radio buttons switch without script."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.report import scales, units
from pipelines.report.figures import marks
from pipelines.report.html import Markup, join, tag

STEP_COUNT = 7
Row = dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """One layer: its column, name and format, its colour steps where the data must not choose them, and what it is of
    a route."""

    column: str
    name: str
    format: units.Format
    colours: str = "blue"
    steps: tuple[float, ...] = ()
    of_route: str = "whole period"


MEASURES = (
    Measure("p95_ms", "p95 latency", units.milliseconds),
    Measure("times_usual", "p95 against usual", units.times, "red", (1.25, 1.5, 2, 3, 5), "highest"),
    Measure("p50_ms", "p50 latency", units.milliseconds),
    Measure("p99_ms", "p99 latency", units.milliseconds),
    Measure("request_count", "requests", units.count),
    Measure("error_ratio", "error ratio", units.percent, "red", (0.005, 0.02, 0.05, 0.1, 0.25)),
)


@dataclass(frozen=True)
class Link:
    """A trace that a cell leads to: its place in the page, what it is an example of, in words, and its mark's class."""

    anchor: str
    said: str
    class_: str


@dataclass(frozen=True)
class Links:
    """Where a click leads: a route's name to the place of all its traces, a marked cell to one of them."""

    by_route: dict[str, str]
    by_cell: dict[tuple[str, datetime], Link]


NOWHERE = Links({}, {})


def heat_map(
    routes: list[Row], cells: list[Row], times: list[datetime], when: units.Format, links: Links = NOWHERE
) -> Markup:
    """Strips in the order of `routes`; `cells` have route_id, time and the columns of MEASURES, as `routes` do."""
    by_place = {(cell["route_id"], cell["time"]): cell for cell in cells}
    steps = {measure.column: _steps(measure, cells) for measure in MEASURES}
    strips = join(
        _strip(n, route, by_place, times, steps, _links(links, route, times)) for n, route in enumerate(routes)
    )
    heads = [tag("span", measure.of_route, class_="layer", data_layer=measure.column) for measure in MEASURES]
    head = tag("div", *heads, class_="heat-head")
    grid = tag("div", head, strips, tag("div", marks.time_axis(times), class_="heat-axis"), class_="heat")
    tips = [[_tip(by_place.get((route["route_id"], time)), time, when) for time in times] for route in routes]
    plot = marks.readable(grid, tips, "Heat map of routes by time")
    return tag(
        "div", _switch(), plot, *(_legend(measure, steps[measure.column]) for measure in MEASURES), class_="heat-map"
    )


def _switch() -> Markup:
    """Radio buttons; the page's style shows the layer that is chosen."""
    return tag("fieldset", tag("legend", "Show"), *(_choice(measure) for measure in MEASURES), class_="switch")


def _choice(measure: Measure) -> Markup:
    name, is_first = f"heat-{measure.column}", measure is MEASURES[0]
    button = tag("input", type="radio", name="heat", id=name, value=measure.column, checked=is_first)
    return tag("span", button, tag("label", measure.name, for_=name))


def _strip(
    number: int,
    route: Row,
    by_place: dict[Any, Row],
    times: list[datetime],
    steps: dict[str, list[float]],
    links: tuple[str | None, list[Markup]],
) -> Markup:
    cells = [by_place.get((route["route_id"], time)) for time in times]
    place, cell_links = links
    layers = [_layer(measure, cells, steps[measure.column]) for measure in MEASURES]
    totals = [tag("span", m.format(route[m.column]), class_="layer", data_layer=m.column) for m in MEASURES]
    return tag(
        "div",
        tag("div", _name(route, place), class_="heat-name"),
        tag("div", marks.svg(len(times), 1, *layers), *cell_links, class_="heat-cells", data_row=number, data_to=place),
        tag("div", *totals, class_="heat-total"),
        class_="heat-row",
    )


def _links(links: Links, route: Row, times: list[datetime]) -> tuple[str | None, list[Markup]]:
    """Where the route's name leads, and a mark on each cell that leads to a trace of its own."""
    own = [(column, links.by_cell.get((route["route_id"], time))) for column, time in enumerate(times)]
    return links.by_route.get(route["route_id"]), [_link(link, n, len(times)) for n, link in own if link]


def _link(link: Link, column: int, column_count: int) -> Markup:
    style = f"left:{marks.number(100 * column / column_count)}%;width:{marks.number(100 / column_count)}%"
    said = tag("span", link.said, class_="unseen")
    return tag("a", said, href=f"#{link.anchor}", class_=link.class_, style=style, data_column=column)


def _name(route: Row, place: str | None) -> Markup:
    name = tag("b", route["route"])
    linked = tag("a", name, href=f"#{place}", title="its worst traces") if place else name
    return join((linked, tag("small", route["service_name"])), " ")


def _layer(measure: Measure, cells: list[Row | None], steps: list[float]) -> Markup:
    """All cells of one route and measure: one path a colour."""
    places: dict[int, list[tuple[float, float]]] = {}
    for column, cell in enumerate(cells):
        if cell and cell[measure.column] is not None:
            places.setdefault(bisect_right(steps, cell[measure.column]), []).append((column, 0))
    paths = (marks.path(marks.boxes(places[step], 0.94), f"{measure.colours}-{step}") for step in sorted(places))
    return tag("g", *paths, class_="layer", data_layer=measure.column)


def _steps(measure: Measure, cells: list[Row]) -> list[float]:
    return list(measure.steps) or scales.colour_steps(
        [c[measure.column] for c in cells if c[measure.column]], STEP_COUNT
    )


def _legend(measure: Measure, steps: list[float]) -> Markup:
    shown = [measure.format(step) for step in steps]
    texts = [f"under {shown[0]}" if shown else "all alike", *(f"from {text}" for text in shown)]
    entries = [*((f"{measure.colours}-{step}", text) for step, text in enumerate(texts)), ("no-cell", units.NO_DATA)]
    return tag("div", marks.legend(entries), class_="layer", data_layer=measure.column)


def _tip(cell: Row | None, time: datetime, when: units.Format) -> str:
    if cell is None:
        return f"{when(time)}\nno requests"
    usual = f"\np95 is {units.times(cell['times_usual'])} the route's usual" if cell["times_usual"] else ""
    return (
        f"{when(time)} · {cell['route']}\n"
        f"{units.plural(cell['request_count'], 'request')}, {units.percent(cell['error_ratio'])} errors\n"
        f"p50 {units.milliseconds(cell['p50_ms'])} · p95 {units.milliseconds(cell['p95_ms'])}"
        f" · p99 {units.milliseconds(cell['p99_ms'])}{usual}"
    )
