"""What breaks and where: error groups with their stacks, calls between services, logins."""

from typing import Any

from pipelines.report import traces, units
from pipelines.report.facts import Facts
from pipelines.report.figures.bars import bars
from pipelines.report.figures.panels import Bars, by_day
from pipelines.report.figures.service_map import service_map
from pipelines.report.html import Markup, join, tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
GROUP_LIMIT, EDGE_LIMIT = 8, 40
GROUP_COLUMNS = (
    Column("exception_type", "exception"),
    Column("message_template", "message", is_long=True),
    Column("service_name", "service"),
    Column("exception_count", "exceptions", units.count),
    Column("user_count", "users met", units.count),
    Column("first_version", "first version"),
    Column("last_version", "last version"),
    Column("regressed_in_version", "came back in"),
    Column("first_seen_time", "first seen (UTC)", units.moment, is_text=True),
    Column("last_seen_time", "last seen (UTC)", units.moment, is_text=True),
    Column("sample_trace_id", "trace of one"),
)
EDGE_COLUMNS = (
    Column("caller_name", "caller"),
    Column("callee_name", "callee"),
    Column("call_type", "type"),
    Column("call_count", "calls", units.count),
    Column("error_ratio", "error ratio", units.percent),
    Column("highest_p95_ms", "highest hourly p95", units.milliseconds),
    Column("error_trace_id", "trace of a failed one"),
)
DAY_COLUMNS = (
    Column("event_date", "day", units.day),
    Column("attempt_count", "attempts", units.count),
    Column("success_ratio", "succeeded", units.percent),
    Column("locked_out_count", "locked out", units.count),
    Column("error_count", "service errors", units.count),
)
RISK_COLUMNS = (
    Column("event_date", "day", units.day),
    Column("risk", "risk"),
    Column("subject_kind", "of"),
    Column("subject", "who (pseudonym)"),
    Column("failure_count", "failures", units.count),
    Column("has_success", "got in", lambda is_in: "yes" if is_in else "no", is_text=True),
    Column("first_time", "from (UTC)", units.moment, is_text=True),
    Column("sample_trace_id", "trace of one"),
)


def errors(facts: Facts) -> Section:
    groups = facts.at_level("errors", "group")
    section = Section(
        "errors",
        "Errors",
        ("errors",),
        "exceptions of spans and log records, the same one told twice counted once · grain: error group",
        "No exception was found: neither a span event nor a log record carries one.",
    )
    if not groups:
        return section
    drawn = {row["trace_id"] for row in traces.exemplars(facts)}
    return section.showing(
        _worst_group(groups),
        tag("figure", bars([_group(row) for row in groups[:GROUP_LIMIT]])),
        *(_example(row, drawn) for row in groups[:GROUP_LIMIT]),
        folded("error groups", GROUP_COLUMNS, groups),
    )


def services(facts: Facts) -> Section:
    edges = facts.rows("services")
    section = Section(
        "services",
        "Calls between services",
        ("services",),
        "calls weighted by sampling, seen by either side · grain: caller × callee × type",
        "No call was found: no CLIENT or PRODUCER span, and no span below one of another service.",
    )
    if not edges:
        return section
    failing = max(edges, key=lambda row: row["error_count"])
    calls, ratio = units.plural(failing["call_count"], "call"), units.percent(failing["error_ratio"])
    said = f"{_edge_name(failing)} failed most often: {units.count(failing['error_count'])} of {calls}, {ratio}."
    drawn = _drawn(edges)
    left = f" {len(drawn)} of {units.count(len(edges))} are drawn." if len(drawn) < len(edges) else ""
    called = {row["callee_name"] for row in edges if row["callee_name"] != row["caller_name"]}
    return section.showing(
        (said if failing["error_count"] else "No call failed.") + left,
        tag("figure", service_map(drawn, called)),
        folded("calls between services", EDGE_COLUMNS, edges),
    )


def logins(facts: Facts) -> Section:
    days = facts.at_level("logins", "day")
    section = Section(
        "logins",
        "Logins",
        ("logins",),
        "attempts, observed · grain: day",
        "No login was found: the seed fact_rules says which spans and events are logins.",
    )
    if not days:
        return section
    attempts, successes = (sum(row[name] for row in days) for name in ("attempt_count", "success_count"))
    risks = facts.at_level("logins", "risk")
    warned = f" {_suspects(risks)} failed suspiciously often." if risks else ""
    reasons = [
        (units.text(row["failure_reason"]), row["failure_count"], units.count(row["failure_count"]), None)
        for row in facts.at_level("logins", "reason")
    ]
    return section.showing(
        f"{units.percent(successes / attempts)} of {units.plural(attempts, 'attempt')} succeeded.{warned}",
        tag(
            "figure",
            _days(days),
            tag("div", tag("h3", "Why they failed"), bars(reasons)) if reasons else None,
            class_="side-by-side",
        ),
        folded("logins by day", DAY_COLUMNS, days),
        *([folded("suspicious logins", RISK_COLUMNS, risks)] if risks else []),
    )


def _suspects(risks: list[Row]) -> str:
    """How many users and addresses, each once however many days and rules it fell into."""
    count = len({(row["subject_kind"], row["subject"]) for row in risks})
    return "1 user or address" if count == 1 else f"{units.count(count)} users or addresses"


def _worst_group(groups: list[Row]) -> str:
    back = [row for row in groups if row["regressed_in_version"]]
    worst = groups[0]
    whom = f", to {units.plural(worst['user_count'], 'user')}" if worst["user_count"] else ""
    times = units.plural(worst["exception_count"], "time")
    said = f"{worst['exception_type']} in {worst['service_name']} came most: {times}{whom}."
    again = (
        f" {back[0]['exception_type']} came back in {back[0]['service_name']} {back[0]['regressed_in_version']}."
        if back
        else ""
    )
    return said + again


def _group(row: Row) -> tuple[str, float, str, str]:
    versions = row["first_version"]
    if row["last_version"] != row["first_version"]:
        versions = f"{row['first_version']} to {row['last_version']}"
    note = f"{row['service_name']} {versions}: {row['message_template']}"
    return row["exception_type"], row["exception_count"], units.count(row["exception_count"]), note


def _example(row: Row, drawn: set[str]) -> Markup:
    """When and to whom it came, the trace of one if the page draws it, and its stack, folded."""
    summary = (
        f"{'Stack' if row['exception_stacktrace'] else 'Example'}: {row['exception_type']} in {row['service_name']}"
    )
    seen = f"{units.moment(row['first_seen_time'])} to {units.moment(row['last_seen_time'])} UTC"
    whom = f" · met by {units.plural(row['user_count'], 'user')}" if row["user_count"] else ""
    said = f"{units.text(row['message_template'])} · {seen}{whom}"
    trace = tag("a", "one of them as a trace", href=f"#trace-{row['sample_trace_id']}")
    link = join((" · ", trace)) if row["sample_trace_id"] in drawn else None
    stack = row["exception_stacktrace"]
    code = tag("pre", stack, tabindex="0", role="region", aria_label=summary) if stack else None
    return tag("details", tag("summary", summary), tag("p", said, link), code, class_="example")


def _drawn(edges: list[Row]) -> list[Row]:
    """The busiest calls and those with most errors, busiest first; all while there are few."""
    failing = [row for row in sorted(edges, key=lambda row: -row["error_count"]) if row["error_count"]]
    wanted = dict.fromkeys(id(row) for row in [*failing[: EDGE_LIMIT // 2], *edges])
    chosen = set(list(wanted)[:EDGE_LIMIT])
    return [row for row in edges if id(row) in chosen]


def _edge_name(row: Row) -> str:
    return f"{row['caller_name']} → {row['callee_name']}"


def _days(days: list[Row]) -> Markup:
    rows = [{**row, "failed": 1 - row["success_ratio"]} for row in days]
    shown = (
        Bars("attempt_count", "Attempts", "a day", units.short_count),
        Bars("failed", "Failed", "share of attempts", units.percent, 0.1, "bar-mark error"),
    )
    return by_day(rows, shown, _succeeded, "Logins by day")


def _succeeded(row: Row) -> str:
    return f"{units.plural(row['attempt_count'], 'attempt')}, {units.percent(row['success_ratio'])} succeeded"
