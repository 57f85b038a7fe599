"""One trace as a waterfall: a table whose rows are spans under their parents, with bars along one time axis."""

from typing import Any

from pipelines.report import units
from pipelines.report.figures.marks import number
from pipelines.report.html import Markup, join, tag
from pipelines.report.traces import Trace

Row = dict[str, Any]
DEEPEST, TICK_COUNT, SHORTEST_PERCENT = 12, 4, 0.4


def waterfall(trace: Trace) -> Markup:
    """Bars on the critical path are thick and dark, the others thin and pale; errors are red, and say so in words."""
    window_ms = trace.window_ms
    caption = f"Spans of trace {trace.id}; times in ms from its start"
    head = tag(
        "tr",
        tag("th", "span", scope="col"),
        tag("th", _axis(window_ms), scope="col", class_="wf-time", aria_label="time"),
        tag("th", "starts", scope="col", class_="n"),
        tag("th", "took", scope="col", class_="n"),
        tag("th", "waited for", scope="col", class_="n"),
    )
    rows = [_span(span, depth, window_ms) for span, depth in trace.spans]
    table = tag("table", tag("caption", caption, class_="unseen"), tag("thead", head), tag("tbody", *rows))
    return tag("div", table, class_="waterfall")


def _axis(window_ms: float) -> Markup:
    marks = [
        tag("span", units.milliseconds(window_ms * i / TICK_COUNT), style=f"left:{number(100 * i / TICK_COUNT)}%")
        for i in range(TICK_COUNT)
    ]
    return tag("span", *marks, class_="wf-axis", aria_hidden="true")


def _span(span: Row, depth: int, window_ms: float) -> Markup:
    orphan = "? " if depth == 0 and span["parent_span_id"] else None
    trouble = tag("span", "✕ ", span["error_text"] or "error", class_="wf-error") if span["is_error"] else None
    name = join((orphan, tag("b", span["name"]), " ", tag("small", span["service_name"]), trouble))
    classes = ["critical" if span["critical_ms"] is not None else None, "failed" if span["is_error"] else None]
    return tag(
        "tr",
        tag("th", name, scope="row", style=f"--depth:{min(depth, DEEPEST)}"),
        tag("td", _bar(span, window_ms), class_="wf-time"),
        tag("td", f"+{units.milliseconds(span['offset_ms'])}", class_="n"),
        tag("td", "unfinished" if span["is_unfinished"] else units.milliseconds(span["duration_ms"]), class_="n"),
        tag("td", units.milliseconds(span["critical_ms"]) if span["critical_ms"] else "", class_="n wf-wait"),
        class_=" ".join(filter(None, classes)) or None,
    )


def _bar(span: Row, window_ms: float) -> Markup:
    """The bar; one that goes on beyond the window ends open, with an arrow."""
    left = min(max(100 * span["offset_ms"] / window_ms, 0.0), 100 - SHORTEST_PERCENT)
    length = 100 * max(span["duration_ms"] or 0.0, 0.0) / window_ms
    goes_on = left + length > 100.01
    width = max(min(length, 100 - left), SHORTEST_PERCENT)
    bar = tag("i", style=f"left:{number(left)}%;width:{number(width)}%", class_="on" if goes_on else None)
    return tag("span", bar, class_="wf-bar", aria_hidden="true")
