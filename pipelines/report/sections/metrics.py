"""What metrics say: how full resources were, and every counter, gauge and histogram over time."""

from datetime import datetime
from statistics import median
from typing import Any

from pipelines.report import units
from pipelines.report.facts import NOT_SET, Facts
from pipelines.report.figures.bars import Bar, bars
from pipelines.report.figures.panels import Bars, panels
from pipelines.report.figures.sparklines import Sparkline, sparklines
from pipelines.report.html import Markup, tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
PLACE_LIMIT, RESOURCE_LIMIT, METRIC_LIMIT = 12, 4, 20
USUAL_FROM_VALUES = 6
KINDS = (
    ("counter", "Counters", "by how much they grew"),
    ("gauge", "Gauges", "mean of their points"),
    ("histogram", "Histograms", "mean of what was observed"),
)
PLACE_COLUMNS = (
    Column("place", "service or host"),
    Column("resource", "resource"),
    Column("max_utilization", "highest", units.percent),
    Column("mean_utilization", "mean", units.percent),
    Column("fullest_hour", "fullest in the hour of (UTC)", units.moment, is_text=True),
    Column("fullest_instance", "where"),
    Column("metric_name", "metric"),
)
METRIC = (Column("metric_name", "metric"), Column("kind", "kind"), Column("unit", "unit"))
VALUE = Column("value", "growth, or mean", units.amount)
OBSERVATIONS = Column("observation_count", "observations", lambda n: "" if n is None else units.count(n))


def saturation(facts: Facts) -> Section:
    places, grain = facts.at_level("saturation", "place"), facts.scope.grain
    section = Section(
        "saturation",
        "Saturation",
        ("saturation",),
        f"utilization, 1 is full · grain: {grain}, service or host × resource",
        "No utilization came in: the seed saturation_metrics says which metrics tell it.",
    )
    if not places:
        return section
    times = facts.at_level("saturation", "time")
    drawn = f" The {PLACE_LIMIT} fullest of {len(places)} are drawn." if len(places) > PLACE_LIMIT else ""
    return section.showing(
        _fullest(places[0]) + drawn,
        tag(
            "figure",
            _resources(facts, places, times),
            tag("div", tag("h3", "Fullest"), bars([_place(row) for row in places[:PLACE_LIMIT]], whole=1)),
            class_="side-by-side",
        ),
        folded("utilization by service or host", PLACE_COLUMNS, places),
        folded(f"the fullest of each resource by {grain}", (_time(facts), *PLACE_COLUMNS[1:3]), times),
    )


def values(facts: Facts) -> Section:
    metrics, by_time = facts.at_level("metrics", "metric"), facts.at_level("metrics", "time")
    section = Section(
        "metrics",
        "Metrics",
        ("metrics",),
        f"counters by growth, gauges and histograms by their mean, each in its unit · grain: {facts.scope.grain}",
        "No metric came in: send metrics to the collector, or to otelmart listen.",
    )
    if not metrics:
        return section
    by_metric: dict[tuple[str, ...], dict[datetime, float]] = {}
    for row in by_time:
        by_metric.setdefault(_key(row), {})[row["time"]] = row["value"]
    kinds = [
        _kind(facts, title, says, [row for row in metrics if row["kind"] == kind], by_metric)
        for kind, title, says in KINDS
    ]
    services = facts.at_level("metrics", "service")
    return section.showing(
        _counted(metrics, services) + _unusual(facts, metrics, by_metric),
        tag("figure", *kinds),
        folded("metrics over the whole period", (*METRIC, VALUE, OBSERVATIONS), metrics),
        folded("metrics by service", (*METRIC, Column("service_name", "service"), VALUE, OBSERVATIONS), services),
        folded(f"metrics by {facts.scope.grain}", (*METRIC, _time(facts), VALUE, OBSERVATIONS), by_time),
    )


def _time(facts: Facts) -> Column:
    return Column("time", facts.scope.grain, facts.scope.when, is_text=True)


def _fullest(row: Row) -> str:
    return (
        f"{row['resource']} of {row['place']} was fullest: {units.percent(row['max_utilization'])} in the hour of "
        f"{units.moment(row['fullest_hour'])} UTC, {units.percent(row['mean_utilization'])} on the mean."
    )


def _place(row: Row) -> Bar:
    where = f"at {row['fullest_instance']}; " if row["fullest_instance"] not in (NOT_SET, row["place"]) else ""
    note = f"{where}{units.percent(row['mean_utilization'])} on the mean; {row['metric_name']}"
    return f"{row['place']} · {row['resource']}", row["max_utilization"], units.percent(row["max_utilization"]), note


def _resources(facts: Facts, places: list[Row], rows: list[Row]) -> Markup:
    """One panel a resource: the fullest of it at each time."""
    resources = list(dict.fromkeys(row["resource"] for row in places))[:RESOURCE_LIMIT]
    by_time: dict[datetime, Row] = {}
    for row in rows:
        cell = by_time.setdefault(row["time"], {"time": row["time"], **dict.fromkeys(resources)})
        cell[row["resource"]] = row["max_utilization"]
    times = facts.times("saturation")
    tips = [_resource_tip(facts, resources, by_time.get(time), time) for time in times]
    shown = [Bars(resource, resource, "the fullest at each time", units.percent, 1) for resource in resources]
    return panels(list(by_time.values()), times, shown, tips, "Utilization of the fullest over time")


def _resource_tip(facts: Facts, resources: list[str], cell: Row | None, time: datetime) -> str:
    said = " · ".join(f"{name} {units.percent(cell[name])}" for name in resources) if cell else units.NO_DATA
    return f"{facts.scope.when(time)}\n{said}"


def _key(row: Row) -> tuple[str, ...]:
    return row["kind"], row["metric_name"], row["unit"]


def _kind(
    facts: Facts, title: str, says: str, metrics: list[Row], by_metric: dict[tuple[str, ...], dict[datetime, float]]
) -> Markup | None:
    if not metrics:
        return None
    times, drawn = facts.times("metrics"), metrics[:METRIC_LIMIT]
    lines = [
        Sparkline(row["metric_name"], _note(row), units.amount(row["value"]), by_metric[_key(row)]) for row in drawn
    ]
    tips = [[_tip(facts, row, by_metric[_key(row)].get(time), time) for time in times] for row in drawn]
    left = f"; {len(drawn)} of {len(metrics)} are drawn" if len(drawn) < len(metrics) else ""
    head = tag("h3", title, " ", tag("small", f"{says}{left}"))
    return tag("div", head, sparklines(lines, times, tips, f"{title} over time"), class_="sparks")


def _note(row: Row) -> str:
    services = row["first_service"] if row["service_count"] == 1 else f"{row['service_count']} services"
    return f"{_unit(row)}{services}"


def _unit(row: Row) -> str:
    return "" if row["unit"] in ("1", NOT_SET) else f"{row['unit']} · "


def _tip(facts: Facts, row: Row, value: float | None, time: datetime) -> str:
    unit = "" if row["unit"] in ("1", NOT_SET) else f" {row['unit']}"
    said = units.NO_DATA if value is None else f"{units.amount(value)}{unit}"
    return f"{facts.scope.when(time)} · {row['metric_name']}\n{said}"


def _counted(metrics: list[Row], services: list[Row]) -> str:
    kinds = [units.plural(count, kind) for kind, *_ in KINDS if (count := sum(row["kind"] == kind for row in metrics))]
    counted = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
    return f"{counted} from {units.plural(len({row['service_name'] for row in services}), 'service')}."


def _unusual(facts: Facts, metrics: list[Row], by_metric: dict[tuple[str, ...], dict[datetime, float]]) -> str:
    """Of gauges and histograms the one that rose highest above its median; counters rise with the time of day."""
    found = []
    for row in metrics:
        own = by_metric[_key(row)]
        usual = median(own.values())
        if row["kind"] != "counter" and usual > 0 and len(own) >= USUAL_FROM_VALUES:
            time = max(own, key=lambda time: own[time])
            found.append((own[time] / usual, row["metric_name"], time))
    if not found:
        return ""
    times, name, time = max(found)
    return f" {name} rose highest above its usual: {units.times(times)} on {facts.scope.when(time)}."
