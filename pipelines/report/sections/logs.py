"""What the logs say: how many records, how many of them errors, and the warnings and errors that come most."""

from typing import Any

from pipelines.report import units
from pipelines.report.facts import Facts
from pipelines.report.figures.bars import Bar, bars
from pipelines.report.figures.panels import Bars, panels
from pipelines.report.html import Markup, tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
SERVICE_LIMIT = 8
SHOWN = (
    Bars("record_count", "Log records", "", units.short_count),
    Bars("error_ratio", "Errors", "share of severity ERROR or FATAL", units.percent, 0.01, "bar-mark error"),
)
COUNTS = (
    Column("record_count", "log records", units.count),
    Column("error_count", "errors", units.count),
    Column("warning_count", "warnings", units.count),
    Column("error_ratio", "errors of all", units.percent),
)
TEMPLATE_COLUMNS = (
    Column("log_template", "message", is_long=True),
    Column("severity", "severity"),
    Column("service_name", "service"),
    Column("record_count", "log records", units.count),
    Column("first_hour", "first hour (UTC)", units.moment, is_text=True),
    Column("last_hour", "last hour (UTC)", units.moment, is_text=True),
    Column("sample_trace_id", "a trace with one"),
)


def volume(facts: Facts) -> Section:
    total, grain = facts.at_level("logs", "all"), facts.scope.grain
    services, templates = facts.at_level("logs", "service"), facts.at_level("logs", "template")
    section = Section(
        "logs",
        "Logs",
        ("logs",),
        f"log records, observed · grain: {grain}, service, message template",
        "No log record came in: send logs to the collector, or to otelmart listen.",
    )
    if not total:
        return section
    time = Column("time", grain, facts.scope.when, is_text=True)
    return section.showing(
        _said(total[0], services, templates),
        tag(
            "figure",
            _over_time(facts),
            tag("div", tag("h3", "By service"), bars([_bar(row) for row in services[:SERVICE_LIMIT]])),
            class_="side-by-side",
        ),
        folded(f"log records by {grain}", (time, *COUNTS), facts.at_level("logs", "time")),
        folded("log records by service", (Column("service_name", "service"), *COUNTS), services),
        *([folded("what warnings and errors say", TEMPLATE_COLUMNS, templates)] if templates else []),
    )


def _said(total: Row, services: list[Row], templates: list[Row]) -> str:
    records = units.plural(total["record_count"], "log record")
    if not total["error_count"]:
        return f"None of {records} is an error."
    worst = max(services, key=lambda row: row["error_count"])
    most = next((f" Most often: “{row['log_template']}”." for row in templates if row["severity"] != "WARN"), "")
    return (
        f"{units.percent(total['error_ratio'])} of {records} are errors; {worst['service_name']} has the most, "
        f"{units.count(worst['error_count'])}.{most}"
    )


def _over_time(facts: Facts) -> Markup:
    rows, times = facts.at_level("logs", "time"), facts.times("logs")
    told = {row["time"]: f"{units.plural(row['record_count'], 'log record')}, {_judged(row)}" for row in rows}
    tips = [f"{facts.scope.when(time)}\n{told.get(time, units.NO_DATA)}" for time in times]
    return panels(rows, times, SHOWN, tips, "Log records and errors over time")


def _bar(row: Row) -> Bar:
    return row["service_name"], row["record_count"], units.count(row["record_count"]), _judged(row)


def _judged(row: Row) -> str:
    return f"{units.plural(row['error_count'], 'error')}, {units.plural(row['warning_count'], 'warning')}"
