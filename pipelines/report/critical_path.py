"""What a trace waited for: back from its end, the child that finished last, then the last before it began. Pure.

The mart fct_critical_path_daily adds up the time of roots. A picture of one trace also needs what a click set off after
its own span had ended, so here a span ends with the last span below it, unless that one consumes a message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
TOLD_BY_SIBLING_RATIO = 0.8  # of a span without children, during which a sibling with children says more about it


@dataclass
class Node:
    """A span in its tree; ms from the start of the trace. `end` is that of the last one below it, if later."""

    span: Row
    start: float
    end: float
    children: list["Node"] = field(default_factory=list)


Wait = tuple[Node, float, float]


def critical_ms(spans: Sequence[tuple[Row, int]], until_ms: float) -> list[float | None]:
    """Per (span, depth), in tree order: its own time on the critical path before `until_ms`; None beside the path."""
    nodes = _tree(spans, until_ms)
    roots = [node for node, (_, depth) in zip(nodes, spans, strict=True) if depth == 0]
    found: dict[int, float] = {}
    waiting = [(root, root.start, root.end) for root in sorted(roots, key=lambda r: r.start - r.end)[:1]]
    while waiting:
        node, start, end = waiting.pop()
        path = _path(node.children, start, end)
        found[id(node)] = max(0.0, end - start - sum(until - since for _, since, until in path))
        waiting += path
    return [found.get(id(node)) for node in nodes]


def _tree(spans: Sequence[tuple[Row, int]], until_ms: float) -> list[Node]:
    """Nodes in the same order; a span's parent is the last one before it that stands one step less deep."""
    nodes, above = [], list[Node]()
    for span, depth in spans:
        end = min(span["offset_ms"] + max(span["duration_ms"] or 0.0, 0.0), until_ms)
        node = Node(span, min(span["offset_ms"], end), end)
        del above[depth:]
        if above:
            above[-1].children.append(node)
        above.append(node)
        nodes.append(node)
    for node in reversed(nodes):
        node.end = max([node.end, *(child.end for child in node.children if child.span["span_kind"] != "CONSUMER")])
    return nodes


def _path(children: list[Node], start: float, end: float) -> list[Wait]:
    """Critical children, the last first. A childless one that repeats a sibling with children stands back for it."""
    left = [(node, max(node.start, start), min(node.end, end)) for node in children]
    left = [wait for wait in left if wait[1] < wait[2] and wait[0].span["span_kind"] != "CONSUMER"]
    path = []
    while left:
        last = max(left, key=lambda wait: (wait[2], wait[1]))
        told = [] if last[0].children else [wait for wait in left if wait[0].children and _repeats(last, wait)]
        chosen = max(told, key=lambda wait: (wait[2], wait[1]), default=last)
        path.append(chosen)
        left = [wait for wait in left if wait[2] <= chosen[1]]
    return path


def _repeats(one: Wait, other: Wait) -> bool:
    common = min(one[2], other[2]) - max(one[1], other[1])
    return common >= TOLD_BY_SIBLING_RATIO * (one[2] - one[1])
