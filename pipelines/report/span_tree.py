"""Where each span of a trace stands: below its parent, also when ids are shared, missing or in a circle. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

Span = dict[str, Any]
_CALLING, _ANSWERING = ("CLIENT", "PRODUCER"), ("SERVER", "CONSUMER")


def placed(spans: Sequence[Span]) -> Iterator[tuple[Span, int]]:
    """(span, how many parents it has here), children after their parent in order of their start.

    Where a client and a server span share their id, the server's lies below the client's, and what names the id as its
    parent below the one of its own service, else below the server's.
    """
    by_id: dict[str, list[Span]] = {}
    for span in spans:
        by_id.setdefault(span["span_id"], []).append(span)
    children: dict[int | None, list[Span]] = {}
    for span in spans:
        parent = _parent(span, by_id)
        children.setdefault(id(parent) if parent else None, []).append(span)
    waiting = [(span, 0) for span in reversed(children.get(None, []))]
    seen: set[int] = set()
    while waiting or len(seen) < len(spans):
        if not waiting:  # parents in a circle
            waiting = [(next(span for span in spans if id(span) not in seen), 0)]
        span, depth = waiting.pop()
        if id(span) in seen:
            continue
        seen.add(id(span))
        yield span, depth
        waiting += [(child, depth + 1) for child in reversed(children.get(id(span), []))]


def _parent(span: Span, by_id: dict[str, list[Span]]) -> Span | None:
    callers = [other for other in by_id[span["span_id"]] if other["span_kind"] in _CALLING]
    if callers and span["span_kind"] in _ANSWERING:
        return callers[0]
    above = [other for other in by_id.get(span["parent_span_id"] or "", []) if other is not span]
    above.sort(key=lambda other: (other["service_name"] != span["service_name"], other["span_kind"] in _CALLING))
    return above[0] if above else None
