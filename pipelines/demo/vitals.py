"""Web vitals of a landing page, report by report: what the browser measures while the page loads and is used.

They follow from the fact alone, so that emitters and truth need not tell each other.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from pipelines.demo.catalog import NS_PER_MS, NS_PER_SECOND
from pipelines.demo.model import PageView

# Published on web.dev: good up to the first, poor above the second; ms, a score for cls
THRESHOLDS = {"lcp": (2500, 4000), "inp": (200, 500), "cls": (0.1, 0.25), "fcp": (1800, 3000), "ttfb": (800, 1800)}


class Report(NamedTuple):
    """One report. A vital is reported again when it has grown; `id` stays the same for a page load."""

    name: str
    id: str
    value: float
    delta: float
    rating: str
    time_ns: int


def reports(fact: PageView) -> list[Report]:
    """Reports of a page load in the order in which they are sent; none of a page shown inside the app."""
    if not (fact.is_landing and fact.actor.has_telemetry):
        return []
    rng = Random(fact.key)
    return [report for name, values in _measured(fact, rng) for report in _reports(fact, name, values, rng)]


def rating(name: str, value: float) -> str:
    good_up_to, poor_above = THRESHOLDS[name]
    return "good" if value <= good_up_to else "needs-improvement" if value <= poor_above else "poor"


def _measured(fact: PageView, rng: Random) -> list[tuple[str, list[float]]]:
    """Values of each vital as they grow. Who never clicks has no inp; most pages shift little or not at all."""
    load_ms = fact.load_ns / NS_PER_MS
    ttfb, fcp = load_ms * rng.uniform(0.3, 0.6), load_ms * rng.lognormvariate(0.6, 0.5)
    lcp = fcp * rng.lognormvariate(0.5, 0.4)
    inp = rng.lognormvariate(4.7, 0.8)
    cls = rng.choice((0.0, rng.expovariate(30), rng.expovariate(8)))
    return [
        ("ttfb", [round(ttfb, 1)]),
        ("fcp", [round(fcp, 1)]),
        ("lcp", [round(fcp, 1), round(lcp, 1)] if lcp > fcp else [round(lcp, 1)]),
        ("cls", [round(cls / 3, 4), round(cls / 2, 4), round(cls, 4)] if cls else [0.0]),
        ("inp", [] if rng.random() < 0.15 else [round(inp / 2), round(inp)]),
    ]


def _reports(fact: PageView, name: str, values: list[float], rng: Random) -> list[Report]:
    """A report a second from the page's load on."""
    page_load_id = f"v5-{fact.time_ns // NS_PER_MS}-{rng.randrange(10**12, 10**13)}"
    loaded_ns = fact.time_ns + fact.load_ns
    before = [0.0, *values]
    return [
        Report(
            name, page_load_id, value, round(value - before[n], 4), rating(name, value), loaded_ns + n * NS_PER_SECOND
        )
        for n, value in enumerate(values)
    ]
