"""The worst traces, each as a waterfall: the failed and the slowest of every busy route, and one of each error."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.report import traces, units
from pipelines.report.facts import Facts
from pipelines.report.figures import marks
from pipelines.report.figures.waterfall import waterfall
from pipelines.report.html import Markup, join, tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded

Row = dict[str, Any]
WHY_EMPTY = "No trace to draw: a request of the latency marts or an error group leads to one, when its spans are there."
MARKS = {"failed": "✕", "slow": "◷"}
REASONS = {"failed": "failed", "slow": "slowest", "exception": "exception"}
TRACE_COLUMNS = (
    Column("trace_id", "trace"),
    Column("of", "stands for", is_long=True),
    Column("time", "start (UTC)", units.moment, is_text=True),
    Column("duration_ms", "duration", units.milliseconds),
    Column("span_count", "spans", units.count),
    Column("service_count", "services", units.count),
    Column("error_count", "spans with an error", units.count),
)


@dataclass(frozen=True)
class Shown:
    """What a trace in the page needs to know: its trace, what it stands for, and whether it stands open."""

    trace: traces.Trace
    stands_for: tuple[str, ...]
    is_open: bool


def worst(facts: Facts) -> Section:
    section = Section(
        "traces",
        "Worst traces",
        ("traces",),
        "durations in ms, spans as seen, each once · grain: trace",
        WHY_EMPTY,
    )
    shown = _shown(facts)
    if not shown:
        return section
    rows = [{**one.trace.row, "of": "; ".join(one.stands_for)} for one in shown.values()]
    return section.showing(
        _takeaway(shown),
        tag("figure", _legend(), *_groups(facts, shown), class_="traces"),
        folded("traces drawn", TRACE_COLUMNS, rows),
    )


def group_anchors(facts: Facts) -> dict[str, str]:
    """route_id → where its traces stand in the page."""
    return {route_id: f"traces-{number}" for number, route_id in enumerate(traces.by_route(facts))}


def _shown(facts: Facts) -> dict[str, Shown]:
    """By trace id. The trace of the hour with most errors and the one with the slowest request stand open."""
    rows = traces.exemplars(facts)
    by_reason = [[row for row in rows if row["reason"] == reason] for reason in ("failed", "slow")]
    opened = {max(own, key=lambda row: row["badness"])["trace_id"] for own in by_reason if own}
    said: dict[str, dict[str, None]] = {}
    for row in rows:
        said.setdefault(row["trace_id"], {})[_reason(row, facts)] = None
    drawn = traces.traces(facts)
    return {id_: Shown(drawn[id_], tuple(texts), id_ in opened) for id_, texts in said.items()}


def _reason(row: Row, facts: Facts) -> str:
    if row["time"] is None:
        return REASONS[row["reason"]]
    return f"{REASONS[row['reason']]} {_route_names(facts).get(row['route_id'], row['route_id'])}"


def _route_names(facts: Facts) -> dict[str, str]:
    return {row["route_id"]: f"{row['route']} · {row['service_name']}" for row in facts.at_level("latency", "route")}


def _groups(facts: Facts, shown: dict[str, Shown]) -> list[Markup]:
    """A group a route, then what only error groups lead to. A trace is drawn once; later groups lead there."""
    names, seen, groups = _route_names(facts), set[str](), []
    routes = [(group_anchors(facts)[id_], names.get(id_, id_), rows) for id_, rows in traces.by_route(facts).items()]
    of_routes = {row["trace_id"] for _, _, rows in routes for row in rows}
    alone = [row for row in traces.exemplars(facts) if row["trace_id"] not in of_routes]
    for anchor, name, rows in [*routes, ("traces-errors", "Other exceptions", alone)]:
        ids = list(dict.fromkeys(row["trace_id"] for row in rows))
        parts = [_elsewhere(shown[id_]) if id_ in seen else _trace(shown[id_]) for id_ in ids]
        seen.update(ids)
        groups += [tag("div", tag("h3", name), *parts, id=anchor, class_="trace-group")] if ids else []
    return groups


def _trace(one: Shown) -> Markup:
    trace = one.trace
    lead = tag("p", " ".join((*_said(trace), *_cut(trace))), class_="trace-said")
    more = tag("p", "With logs: ", tag("code", f"otelmart trace {trace.id}"), _outside(trace), class_="trace-more")
    body = tag("div", lead, waterfall(trace), more, id=trace.anchor, class_="trace-body", tabindex="-1")
    return tag("details", tag("summary", *_summary(one)), body, class_="trace", open=one.is_open)


def _elsewhere(one: Shown) -> Markup:
    return tag("p", tag("a", *_summary(one), href=f"#{one.trace.anchor}"), " (drawn above)", class_="trace-elsewhere")


def _summary(one: Shown) -> tuple[Markup, str]:
    row = one.trace.row
    kind = "failed" if row["error_count"] else "slow"
    errors = f", {units.count(row['error_count'])} failed" if row["error_count"] else ""
    return (
        tag("b", f"{MARKS[kind]} {units.milliseconds(row['duration_ms'])}", class_=f"trace-{kind}"),
        f" · {row['time']:%-d %b %H:%M:%S} · {row['root_service_name']} {row['root_operation']} · "
        f"{units.plural(row['span_count'], 'span')} of {units.plural(row['service_count'], 'service')}{errors}",
    )


def _said(trace: traces.Trace) -> Iterator[str]:
    """Where it failed first, and what it waited for longest."""
    failure, wait = trace.first_failure(), trace.longest_wait()
    if failure:
        why = f": {failure['error_text']}" if failure["error_text"] else ""
        yield f"It failed in {failure['service_name']}, {failure['name']}{why}.".replace("..", ".")
    if wait:
        ratio = wait["critical_ms"] / (trace.row["duration_ms"] or wait["critical_ms"])
        share = units.percent(round(min(ratio, 1.0), 4))
        yield (
            f"It waited longest for {wait['service_name']}, {wait['name']}: {units.milliseconds(wait['critical_ms'])}, "
            f"{share} of its time."
        )


def _cut(trace: traces.Trace) -> Iterator[str]:
    if len(trace.spans) < trace.row["span_count"]:
        yield f"The first {len(trace.spans)} of {units.count(trace.row['span_count'])} spans are drawn."
    if trace.window_ms < (trace.row["duration_ms"] or 0) / 1.5:
        yield "A span that goes on far beyond the rest is cut; its bar ends in an arrow."


def _outside(trace: traces.Trace) -> Markup | None:
    """A link to the trace store that the variable trace_url_template names; nothing but http and https."""
    url = trace.row["trace_url"] or ""
    if not url.startswith(("https://", "http://")):
        return None
    return join((" · ", tag("a", "open in the trace store", href=url, rel="noreferrer noopener")))


def _legend() -> Markup:
    entries = (("wf-key critical", "on the critical path: the trace waited for it"), ("wf-key", "not waited for"))
    failed, slow = ("wf-key failed", "✕ failed"), ("no-key", "◷ no span failed")
    return marks.legend((*entries, failed, slow))


def _takeaway(shown: dict[str, Shown]) -> str:
    slowest = max((one.trace for one in shown.values()), key=_wait_ms)
    failed = sum(1 for one in shown.values() if one.trace.row["error_count"])
    drawn = f"{units.plural(len(shown), 'trace')} drawn, {units.count(failed)} of them with errors."
    wait = slowest.longest_wait()
    if not wait:
        return drawn
    where = f"{wait['service_name']}, {wait['name']}"
    return f"The longest wait was {units.milliseconds(wait['critical_ms'])} for {where}. {drawn}"


def _wait_ms(trace: traces.Trace) -> float:
    wait = trace.longest_wait()
    return float(wait["critical_ms"]) if wait else 0.0
