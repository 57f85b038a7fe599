"""A graph of calls in layers: callers above callees, few crossings, the same picture for the same calls. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

Call = tuple[str, str]
Slot = tuple[str, ...]  # (node,), or (caller, callee) where a call passes through a layer on its way further down
SWEEPS = 6


def layers(calls: Sequence[Call]) -> list[list[Slot]]:
    """Layers from the top, each from left to right. A call that closes a circle runs upwards and passes nowhere."""
    depth = depths(calls)
    rows: list[list[Slot]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in depth:
        rows[depth[node]].append((node,))
    links = []
    for caller, callee in dict.fromkeys(calls):
        way: list[Slot] = [(caller,)]
        for between in range(depth[caller] + 1, depth[callee]):
            way.append((caller, callee))
            rows[between].append((caller, callee))
        links += [(depth[caller] + i, *pair) for i, pair in enumerate(zip(way, [*way[1:], (callee,)], strict=True))]
    return _untangled(rows, [(layer, above, below) for layer, above, below in links if depth[below[-1]] > layer])


def depths(calls: Sequence[Call]) -> dict[str, int]:
    """Node → its layer: below all its callers, and a node without callers just above what it calls."""
    callees: dict[str, list[str]] = defaultdict(list)
    for caller, callee in calls:
        callees[caller].append(callee)
    order = _callers_first(list(dict.fromkeys(node for call in calls for node in call)), callees)
    place = {node: number for number, node in enumerate(order)}
    found = dict.fromkeys(order, 0)
    for node in order:
        for callee in callees[node]:
            if place[callee] > place[node]:
                found[callee] = max(found[callee], found[node] + 1)
    called = {callee for caller, callee in calls if place[callee] > place[caller]}
    for node in order:
        below = [found[callee] for callee in callees[node] if place[callee] > place[node]]
        if node not in called and below:
            found[node] = min(below) - 1
    return found


def _callers_first(nodes: list[str], callees: dict[str, list[str]]) -> list[str]:
    """Nodes so that callers come before callees, but for calls that close a circle; without recursion."""
    called = {callee for caller in callees for callee in callees[caller] if callee != caller}
    done: dict[str, None] = {}
    for start in sorted(nodes, key=lambda node: node in called):
        waiting, open_ = [(start, iter(callees[start]))], {start}
        while waiting and start not in done:
            node, left = waiting[-1]
            following = next((callee for callee in left if callee not in done and callee not in open_), None)
            if following is None:
                waiting.pop()
                done[node] = None
            else:
                open_.add(following)
                waiting.append((following, iter(callees[following])))
    return list(reversed(done))


def _untangled(rows: list[list[Slot]], links: Iterable[tuple[int, Slot, Slot]]) -> list[list[Slot]]:
    """Rows ordered by the mean place of their neighbours, downwards and upwards in turn."""
    above: dict[tuple[int, Slot], list[Slot]] = defaultdict(list)
    below: dict[tuple[int, Slot], list[Slot]] = defaultdict(list)
    for layer, upper, lower in links:
        below[layer, upper].append(lower)
        above[layer + 1, lower].append(upper)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for number in numbers:
            beside = rows[number - 1] if down else rows[number + 1]
            places = {slot: (i + 0.5) / len(beside) for i, slot in enumerate(beside)}
            near = above if down else below
            own = {slot: (i + 0.5) / len(rows[number]) for i, slot in enumerate(rows[number])}
            rows[number].sort(key=lambda slot: _mean(near[number, slot], places, own[slot]))
    return rows


def _mean(slots: list[Slot], places: dict[Slot, float], otherwise: float) -> float:
    found = [places[slot] for slot in slots if slot in places]
    return sum(found) / len(found) if found else otherwise
