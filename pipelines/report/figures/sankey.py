"""Where sessions go from page to page: a column a page view, so that a path never runs backwards."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pipelines.report import units
from pipelines.report.figures import marks
from pipelines.report.html import Markup, tag

Row = dict[str, Any]
Place = tuple[int, str]
EXIT, OTHER = "left", "other pages"
NODE_WIDTH, GAP, LABEL_FROM_HEIGHT = 1.2, 2.2, 3.4
LAST_LABEL_WIDTH = 15


@dataclass
class Node:
    """A page in a column: its box (percent), and how much of each edge is taken by links drawn so far."""

    column: int
    page: str
    session_count: int
    x: float = 0
    y: float = 0
    height: float = 0
    taken_in: float = 0
    taken_out: float = 0


def sankey(links: list[Row]) -> Markup:
    """`links`: step_number (of the page left, from 1), from_page, to_page (None: the session ended), session_count."""
    ranks = _ranks(links)
    nodes = _placed(_nodes(links), ranks)
    total = sum(node.session_count for (column, _), node in nodes.items() if column == 1)
    flows = [_flow(link, nodes) for link in sorted(links, key=lambda link: _order(link, ranks))]
    boxes = [_box(node) for node in nodes.values()]
    column_count = max(column for column, _ in nodes)
    labels = [_label(node, column_count) for node in nodes.values()]
    heads = [
        tag("span", _ordinal(number), style=f"left:{marks.number(_left(number, column_count))}%")
        for number in range(1, column_count + 1)
    ]
    drawing = tag("div", marks.svg(100, 100, *flows, *boxes), *labels, class_="sankey-plot")
    figure = tag("div", tag("div", *heads, class_="sankey-heads"), drawing, class_="sankey", aria_hidden="true")
    return marks.readable(figure, [], f"Paths of {units.count(total)} sessions")


def _ranks(links: list[Row]) -> dict[str, int]:
    """Order of the pages from the top: busiest first, then the rest together, then those who left."""
    seen: dict[str, int] = defaultdict(int)
    for link in links:
        seen[link["from_page"]] += link["session_count"]
        seen[link["to_page"] or EXIT] += link["session_count"]
    ordered = sorted(seen, key=lambda page: (page == EXIT, page == OTHER, -seen[page], page))
    return {page: rank for rank, page in enumerate(ordered)}


def _nodes(links: list[Row]) -> dict[Place, Node]:
    """Each page in each column, as large as what enters it (or leaves it, in the first column)."""
    out: dict[Place, int] = defaultdict(int)
    into: dict[Place, int] = defaultdict(int)
    for link in links:
        out[link["step_number"], link["from_page"]] += link["session_count"]
        into[link["step_number"] + 1, link["to_page"] or EXIT] += link["session_count"]
    return {place: Node(*place, max(out[place], into[place])) for place in {*out, *into}}


def _placed(nodes: dict[Place, Node], ranks: dict[str, int]) -> dict[Place, Node]:
    columns: dict[int, list[Node]] = defaultdict(list)
    for node in sorted(nodes.values(), key=lambda node: (node.column, ranks[node.page])):
        columns[node.column].append(node)
    scale = min((100 - GAP * (len(column) - 1)) / sum(n.session_count for n in column) for column in columns.values())
    for number, column in columns.items():
        y = 0.0
        for node in column:
            node.x = _left(number, len(columns))
            node.y, node.height = y, node.session_count * scale
            y += node.height + GAP
    return {(node.column, node.page): node for column in columns.values() for node in column}


def _order(link: Row, ranks: dict[str, int]) -> tuple[int, int, int]:
    return link["step_number"], ranks[link["from_page"]], ranks[link["to_page"] or EXIT]


def _flow(link: Row, nodes: dict[Place, Node]) -> Markup:
    source = nodes[link["step_number"], link["from_page"]]
    target = nodes[link["step_number"] + 1, link["to_page"] or EXIT]
    height = source.height * link["session_count"] / source.session_count
    x0, x1 = source.x + NODE_WIDTH, target.x
    y0, y1 = source.y + source.taken_out, target.y + target.taken_in
    source.taken_out += height
    target.taken_in += height
    return tag(
        "path",
        d=_ribbon(x0, y0, x1, y1, height),
        class_="flow out" if target.page == EXIT else "flow",
        data_tip=_tip(link, source),
    )


def _ribbon(x0: float, y0: float, x1: float, y1: float, height: float) -> str:
    middle = (x0 + x1) / 2
    there = f"M{_at(x0, y0)}C{_at(middle, y0)} {_at(middle, y1)} {_at(x1, y1)}"
    back = f"V{marks.number(y1 + height)}C{_at(middle, y1 + height)} {_at(middle, y0 + height)} {_at(x0, y0 + height)}Z"
    return there + back


def _at(x: float, y: float) -> str:
    return f"{marks.number(x)} {marks.number(y)}"


def _tip(link: Row, source: Node) -> str:
    share = units.percent(link["session_count"] / source.session_count)
    whose = f"{share} of those whose {_ordinal(link['step_number'])} this was"
    return f"{link['from_page']} → {link['to_page'] or EXIT}\n{units.plural(link['session_count'], 'session')}, {whose}"


def _box(node: Node) -> Markup:
    box = f"M{_at(node.x, node.y)}h{NODE_WIDTH}v{marks.number(max(node.height, 0.3))}h-{NODE_WIDTH}z"
    said = f"{node.page}\n{units.plural(node.session_count, 'session')}, {_ordinal(node.column)}"
    return tag("path", d=box, class_="node out" if node.page == EXIT else "node", data_tip=said)


def _label(node: Node, column_count: int) -> Markup | None:
    if node.height < LABEL_FROM_HEIGHT:
        return None
    left = node.x + NODE_WIDTH
    width = _left(2, column_count) - NODE_WIDTH if node.column < column_count else 100 - left
    style = f"left:{marks.number(left)}%;top:{marks.number(node.y + node.height / 2)}%;max-width:{marks.number(width)}%"
    return tag("span", tag("b", units.short_count(node.session_count)), " ", node.page, style=style)


def _left(column: int, column_count: int) -> float:
    """Left edge of a column's nodes; the last leaves room for its labels."""
    return (column - 1) * (100 - LAST_LABEL_WIDTH) / max(1, column_count - 1)


def _ordinal(number: int) -> str:
    return f"{({1: '1st', 2: '2nd', 3: '3rd'}).get(number, f'{number}th')} page"
