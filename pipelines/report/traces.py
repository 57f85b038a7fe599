"""The worst traces: which cell of the heat map or error group leads to which, and what each waited for. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.report.critical_path import critical_ms
from pipelines.report.facts import Facts
from pipelines.report.span_tree import placed

Row = dict[str, Any]
FAR_LONGER_TIMES = 3


@dataclass(frozen=True)
class Trace:
    """One trace: its numbers (columns of fct_traces), and its spans with their depths, in the order of a tree.

    A span has its own time on the critical path as critical_ms, None beside the path. `window_ms` of it are drawn.
    """

    row: Row
    spans: list[tuple[Row, int]]
    window_ms: float

    @property
    def id(self) -> str:
        return str(self.row["trace_id"])

    @property
    def anchor(self) -> str:
        return f"trace-{self.id}"

    def longest_wait(self) -> Row | None:
        """The span on the critical path with most time of its own."""
        waits = [span for span, _ in self.spans if span["critical_ms"]]
        return max(waits, key=lambda span: span["critical_ms"], default=None)

    def first_failure(self) -> Row | None:
        """The deepest span with an error: failures travel up."""
        failed = [(depth, span) for span, depth in self.spans if span["is_error"]]
        return max(failed, key=lambda found: found[0], default=(0, None))[1]


def traces(facts: Facts) -> dict[str, Trace]:
    """Every trace that the page shows, by id."""
    spans: dict[str, list[Row]] = defaultdict(list)
    for span in facts.at_level("traces", "span"):
        spans[span["trace_id"]].append(span)
    return {row["trace_id"]: _trace(row, spans[row["trace_id"]]) for row in facts.at_level("traces", "trace")}


def _trace(row: Row, spans: list[Row]) -> Trace:
    tree = list(placed(spans))
    window_ms = shown_ms(tree)
    critical = critical_ms(tree, window_ms)
    timed = [({**span, "critical_ms": ms}, depth) for (span, depth), ms in zip(tree, critical, strict=True)]
    return Trace(row, timed, window_ms)


def shown_ms(tree: list[tuple[Row, int]]) -> float:
    """How much of a trace to draw: all of it, unless a few spans go on far longer than those below them take.

    A page view lasts as long as its reader stays; drawn in full, the requests in it would be too thin to see.
    """
    ends = [(span["offset_ms"] + (span["duration_ms"] or 0.0), depth) for span, depth in tree]
    whole = max((end for end, _ in ends), default=0.0)
    for least in range(1, max((depth for _, depth in ends), default=0) + 1):
        below = max((end for end, depth in ends if depth >= least), default=0.0)
        if below and whole > FAR_LONGER_TIMES * below:
            return below
    return whole or 1.0


def exemplars(facts: Facts) -> list[Row]:
    """Which traces stand for which hour or day of a route (slow, failed), or for an error group (exception)."""
    shown = {row["trace_id"] for row in facts.at_level("traces", "trace")}
    return [row for row in facts.at_level("traces", "exemplar") if row["trace_id"] in shown]


def by_cell(facts: Facts) -> dict[tuple[str, datetime], Row]:
    """(route_id, time) → the exemplar that its cell leads to: where one failed that one, else the slowest."""
    return {
        (row["route_id"], row["time"]): row
        for row in sorted(_of_routes(exemplars(facts)), key=lambda row: row["reason"] == "failed")
    }


def by_route(facts: Facts) -> dict[str, list[Row]]:
    """route_id → its exemplars, the worst failed first, then the slowest."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in _of_routes(exemplars(facts)):
        found[row["route_id"]].append(row)
    return dict(found)


def _of_routes(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["route_id"] is not None]
