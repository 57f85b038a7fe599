"""What calls what: a box a service, callers above, and in each box the calls that come in, in words and numbers.

Lengths downwards are in rem, across in percent, so that the drawing and the text in the boxes keep together. On a
phone, and of a large map on paper, the lines go and the boxes remain, one below the other: each names its callers.
"""

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log10
from typing import Any

from pipelines.report import units
from pipelines.report.figures import marks
from pipelines.report.figures.marks import number
from pipelines.report.html import Markup, join, tag
from pipelines.report.layers import Slot, layers

Row = dict[str, Any]
FAILING_RATIO = 0.01  # calls that fail more often than this are drawn as an error flow
HEAD_REM, LINE_REM, GAP_REM, DECK_GAP_REM, PADDING_REM = 1.9, 1.3, 3.2, 1.2, 0.5
MOST_BESIDE = 5
UNCALLED, UNDRAWN = "not called by another service", "its callers are in the table"
SHEET_WIDTH_REM, SHEET_HEIGHT_REM = 60.0, 50.0  # a larger map cannot be read on a sheet of paper
PASSING_WEIGHT, BOX_SHARE, WIDEST_PERCENT, BOX_LEAST_REM = 0.16, 0.96, 32.0, 16.0


@dataclass
class Box:
    """Where a slot is: its left edge and width in percent, top and height in rem."""

    left: float
    width: float
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def service_map(edges: list[Row], called: Set[str] = frozenset()) -> Markup:
    """`edges`: caller_name, callee_name, is_external, call_type, call_count, error_ratio, highest_p95_ms. `called`: all
    that is called by others, also where no such call is drawn."""
    incoming: dict[str, list[Row]] = defaultdict(list)
    for edge in edges:
        incoming[edge["callee_name"]].append(edge)
    rows = layers([(edge["caller_name"], edge["callee_name"]) for edge in edges])
    boxes = _placed(rows, incoming)
    nodes = [(slot[0], boxes[layer, slot]) for layer, row in enumerate(rows) for slot in row if len(slot) == 1]
    external = {edge["callee_name"] for edge in edges if edge["is_external"]}
    height = max(box.top + box.height for _, box in nodes)
    widest = max(_weight(row) for row in rows)
    lines = tag("div", marks.svg(100, height, *_lines(edges, rows, boxes)), class_="map-lines")
    told = {name: UNDRAWN if name in called else UNCALLED for name, _ in nodes}
    items = [_node(name, box, incoming[name], name in external, told[name]) for name, box in nodes]
    width = widest * BOX_LEAST_REM
    style = f"height:{number(height)}rem;min-width:{number(width)}rem"
    class_ = "map" if width <= SHEET_WIDTH_REM and height <= SHEET_HEIGHT_REM else "map large"
    plot = tag("div", lines, tag("ul", *items), class_=class_, style=style)
    scroller = tag("div", plot, class_="map-scroll", tabindex="0", role="region", aria_label="Map of services")
    return join((scroller, _legend()))


def _decks(row: list[Slot]) -> int:
    """Rows that the boxes of a layer need: more than five beside each other would be too narrow to read."""
    return max(1, ceil(sum(len(slot) == 1 for slot in row) / MOST_BESIDE))


def _weight(row: list[Slot]) -> float:
    """Width of a layer in boxes; those of several decks overlap like bricks."""
    decks = _decks(row)
    return sum(1 / decks if len(slot) == 1 else PASSING_WEIGHT for slot in row) + (decks - 1) / decks


def _placed(rows: list[list[Slot]], incoming: dict[str, list[Row]]) -> dict[tuple[int, Slot], Box]:
    """Boxes by layer and slot; each layer is as high as its decks, and stands in the middle."""
    unit = min(100 / max(_weight(row) for row in rows), WIDEST_PERCENT)
    boxes: dict[tuple[int, Slot], Box] = {}
    top = 0.0
    for layer, row in enumerate(rows):
        decks, left = _decks(row), 50 - unit * _weight(row) / 2
        tops = _deck_tops(row, decks, top, incoming)
        real = 0
        for slot in row:
            if len(slot) == 1:
                margin = unit * (1 - BOX_SHARE) / 2
                height = _height(incoming[slot[0]])
                boxes[layer, slot] = Box(left + margin, unit * BOX_SHARE, tops[real % decks], height)
                left, real = left + unit / decks, real + 1
            else:
                boxes[layer, slot] = Box(left, unit * PASSING_WEIGHT, top, tops[-1] - top)
                left += unit * PASSING_WEIGHT
        top = tops[-1] + GAP_REM
    return boxes


def _deck_tops(row: list[Slot], decks: int, top: float, incoming: dict[str, list[Row]]) -> list[float]:
    """Where each deck begins, and where the last one ends."""
    heights = [_height(incoming[slot[0]]) for slot in row if len(slot) == 1]
    tops = [top]
    for deck in range(decks):
        tops.append(tops[-1] + max(heights[deck::decks]) + (DECK_GAP_REM if deck + 1 < decks else 0))
    return tops


def _height(calls: list[Row]) -> float:
    return HEAD_REM + LINE_REM * max(len(calls), 1) + PADDING_REM


def _node(name: str, box: Box, calls: list[Row], is_external: bool, otherwise: str) -> Markup:
    kind = tag("small", "external") if is_external else None
    lines = [_call(call) for call in calls] or [tag("li", tag("span", otherwise))]
    style = (
        f"left:{number(box.left)}%;width:{number(box.width)}%;top:{number(box.top)}rem;height:{number(box.height)}rem"
    )
    return tag(
        "li",
        tag("p", tag("b", name), kind),
        tag("ul", *lines),
        class_="map-box outside" if is_external else "map-box",
        style=style,
    )


def _call(call: Row) -> Markup:
    failed = tag("em", f"✕ {units.percent(call['error_ratio'])}") if call["error_ratio"] else tag("span", "–")
    whole = f"{call['caller_name']} calls by {call['call_type']}"
    return tag(
        "li",
        tag("span", tag("span", "from ", class_="unseen"), call["caller_name"], title=whole),
        tag("span", units.short_count(call["call_count"])),
        failed,
        tag("span", units.milliseconds(call["highest_p95_ms"])),
        class_="failing" if _is_failing(call) else None,
    )


def _is_failing(call: Row) -> bool:
    return bool((call["error_ratio"] or 0) >= FAILING_RATIO)


def _lines(edges: list[Row], rows: list[list[Slot]], boxes: dict[tuple[int, Slot], Box]) -> list[Markup]:
    """A line a call, the failing ones last and so on top; it leaves below its caller and passes between boxes."""
    layer_of = {slot[0]: layer for layer, row in enumerate(rows) for slot in row if len(slot) == 1}
    ends = _ends(edges, layer_of, boxes)
    busiest = max(edge["call_count"] for edge in edges) or 1
    drawn = []
    for edge in sorted(edges, key=_is_failing):
        pair = edge["caller_name"], edge["callee_name"]
        passed = [boxes[layer, pair] for layer in range(layer_of[pair[0]] + 1, layer_of[pair[1]])]
        (x0, y0), (x1, y1) = ends[id(edge)]
        points = [(x0, y0), *((box.middle, y) for box in passed for y in (box.top, box.top + box.height)), (x1, y1)]
        width = 1.25 + 4 * log10(1 + 9 * max(edge["call_count"], 0) / busiest)
        style = f"stroke-width:{number(width)}px"
        class_ = "call failing" if _is_failing(edge) else "call"
        drawn.append(tag("path", d=_curve(points), class_=class_, style=style))
    return drawn


def _ends(
    edges: list[Row], layer_of: dict[str, int], boxes: dict[tuple[int, Slot], Box]
) -> dict[int, tuple[tuple[float, float], tuple[float, float]]]:
    """Where each call leaves its caller and reaches its callee: side by side, in the order of what lies at the end."""
    own = {name: boxes[layer, (name,)] for name, layer in layer_of.items()}
    out, into = defaultdict(list), defaultdict(list)
    for edge in edges:
        out[edge["caller_name"]].append(edge)
        into[edge["callee_name"]].append(edge)
    leaves, reaches = {}, {}
    for name, box in own.items():
        for i, edge in enumerate(sorted(out[name], key=lambda edge: own[edge["callee_name"]].middle)):
            leaves[id(edge)] = box.left + box.width * (i + 1) / (len(out[name]) + 1), box.top + box.height
        for i, edge in enumerate(sorted(into[name], key=lambda edge: own[edge["caller_name"]].middle)):
            reaches[id(edge)] = box.left + box.width * (i + 1) / (len(into[name]) + 1), box.top
    return {key: (leaves[key], reaches[key]) for key in leaves}


def _curve(points: list[tuple[float, float]]) -> str:
    """A path through the points, vertical at each."""
    data = f"M{number(points[0][0])} {number(points[0][1])}"
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = max(abs(y1 - y0) / 2, 0.0 if x0 == x1 else 1.2)
        places = (x0, y0 + bend), (x1, y1 - bend), (x1, y1)
        data += "C" + " ".join(f"{number(x)} {number(y)}" for x, y in places)
    return data


def _legend() -> Markup:
    failing = f"✕ at least {units.percent(FAILING_RATIO)} failed"
    told = tag("li", "in a box: caller, calls, failed, highest hourly p95; external: without spans of its own")
    keys = (("map-key", "calls, the wider the more"), ("map-key failing", failing))
    return tag("ul", *(tag("li", tag("i", class_=class_), text) for class_, text in keys), told, class_="legend")
