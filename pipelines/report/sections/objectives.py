"""Whether promises are kept: the SLO board, one objective a line, the worst budget first."""

from typing import Any

from pipelines.report import units
from pipelines.report.facts import NOT_SET, Facts
from pipelines.report.figures.bars import Bar, bars
from pipelines.report.html import Markup, tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
DRAWN_LIMIT = 20
UNJUDGED = ("no_data", "low_traffic")
STATES = {
    "exhausted": "budget spent",
    "burning": "burning",
    "ok": "within budget",
    "low_traffic": "too few events to judge",
    "no_data": "no data",
}
COLUMNS = (
    Column("slo_name", "objective"),
    Column("service_namespace", "namespace"),
    Column("service_name", "service"),
    Column("target_ratio", "target", units.percent),
    Column("sli_ratio", "reached", units.percent),
    Column("bad_count", "bad", units.count),
    Column("valid_count", "of", units.count),
    Column("slice_minutes", "events or slices", lambda minutes: _unit(minutes) + "s", is_text=True),
    Column("budget_spent_ratio", "error budget spent", units.budget),
    Column("day_burn_rate", "burn rate of the day", units.times),
    Column("hours_to_exhaustion", "hours to exhaustion", units.count),
    Column("coverage_ratio", "5-minute slots with data", units.percent),
    Column("state", "state", lambda state: STATES[state], is_text=True),
)
ALERT_COLUMNS = (
    Column("paged_by", "paging alerts that fired"),
    Column("last_page_time", "last (UTC)", lambda time: units.moment(time) if time else "never", is_text=True),
)


def board(facts: Facts) -> Section:
    rows = facts.at_level("slos", "all")
    section = Section(
        "slos",
        "Service level objectives",
        ("slos",),
        "events weighted by sampling, without maintenance · grain: objective × namespace × service, on the last date",
        "No objective is defined, or none of its events came: objectives are OpenSLO files in dbt/slos/.",
    )
    if not rows:
        return section
    return section.showing(
        _takeaway(rows) + (f" The first {DRAWN_LIMIT} are drawn." if len(rows) > DRAWN_LIMIT else ""),
        tag("figure", tag("h3", "Error budget spent in the window"), _budgets(rows)),
        folded("objectives", (*COLUMNS, *ALERT_COLUMNS), rows),
        folded(
            "objectives by day",
            (Column("event_date", "day", units.day), Column("day_sli_ratio", "that day", units.percent), *COLUMNS),
            facts.at_level("slos", "day"),
        ),
    )


def _takeaway(rows: list[Row]) -> str:
    spent = [row for row in rows if row["state"] == "exhausted"]
    judged = [row for row in rows if row["state"] not in UNJUDGED]
    unjudged = f" {units.count(len(rows) - len(judged))} cannot be judged." if len(judged) < len(rows) else ""
    if not judged:
        return f"None of {units.plural(len(rows), 'objective')} has enough events to be judged."
    if not spent:
        return f"All {units.plural(len(judged), 'objective')} with enough events have error budget left.{unjudged}"
    worst = spent[0]
    return (
        f"{units.count(len(spent))} of {units.plural(len(judged), 'objective')} have spent their error budget; "
        f"{_name(worst)} most: {units.percent(worst['sli_ratio'])} against {units.percent(worst['target_ratio'])}."
        f"{unjudged}"
    )


def _budgets(rows: list[Row]) -> Markup:
    """The worst that can be judged, then those that cannot."""
    worst_first = sorted(rows, key=lambda row: row["state"] in UNJUDGED)
    return bars([_budget(row) for row in worst_first[:DRAWN_LIMIT]], whole=1)


def _budget(row: Row) -> Bar:
    spent = row["budget_spent_ratio"]
    paged = f"; paged by {row['paged_by']}, last {units.moment(row['last_page_time'])} UTC" if row["paged_by"] else ""
    note = f"{STATES[row['state']]}: {_reached(row)}{paged}"
    return _name(row), float(spent or 0), units.budget(spent), note


def _reached(row: Row) -> str:
    """What came of the promise so far. Slices have a budget of their whole window, so their share so far says less."""
    bad = units.plural(row["bad_count"], f"bad {_unit(row['slice_minutes'])}")
    reached = units.percent(row["sli_ratio"])
    if row["slice_minutes"] is None:
        return f"{reached} of {units.percent(row['target_ratio'])}, {bad}"
    return f"{bad} where the window allows {units.count(row['allowed_count'])}, {reached} good so far"


def _unit(slice_minutes: int | None) -> str:
    """What an objective counts."""
    return "event" if slice_minutes is None else f"{slice_minutes}-minute slice"


def _name(row: Row) -> str:
    namespace = "" if row["service_namespace"] == NOT_SET else f"{row['service_namespace']} "
    return f"{row['slo_name']} · {namespace}{row['service_name']}"
