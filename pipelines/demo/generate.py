"""The demo from options to files: days simulated and sent side by side, then metrics, broken messages and the truth."""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson

from pipelines.demo.broken import write_broken
from pipelines.demo.collector import Body, Collector, write_manifest
from pipelines.demo.emit import emit
from pipelines.demo.emit_metrics import points
from pipelines.demo.invitations import invitations
from pipelines.demo.journeys import facts_of_day
from pipelines.demo.metric_points import requests
from pipelines.demo.observed import Observed
from pipelines.demo.outbox import Outbox
from pipelines.demo.shop import Shop, utc_date
from pipelines.demo.tally import Tally, tally
from pipelines.demo.truth import Plan, Truth, build, outside_counts

DEFAULT_SEED, DEFAULT_DAYS, DEFAULT_USERS = 7, 3, 2400
DEFAULT_START = date(2026, 11, 16)
TRUTH, OUTSIDE_COUNTS = "truth.json", "outside_counts.json"
PARALLEL_FROM_USER_DAYS = 1000


@dataclass(slots=True)
class Day:
    """What one day leaves behind beside its files."""

    observed: Observed = field(default_factory=Observed)
    tally: Tally = field(default_factory=Tally)
    plan: Plan = field(default_factory=Plan)


def generate(
    out: Path,
    seed: int = DEFAULT_SEED,
    days: int = DEFAULT_DAYS,
    users: int = DEFAULT_USERS,
    start: date = DEFAULT_START,
    progress: Callable[[str], None] = lambda line: None,
) -> Truth:
    """Write the demo's files below `out`, which must not exist or be empty; the same arguments write the same bytes.

    Everything is written beside `out` first and moved there at the end, so that a demo is whole or not there.
    """
    shop = Shop(seed, start, days, users)
    progress(f"{users:,} customers, {days} day{'s' if days > 1 else ''} from {start}, seed {seed}")
    with _whole_or_nothing(out) as directory:
        return _generate(shop, directory, progress)


def _generate(shop: Shop, directory: Path, progress: Callable[[str], None]) -> Truth:
    whole = Day()
    for number, day in enumerate(_days(shop, directory), 1):
        whole.observed.add(day.observed)
        whole.tally.add(day.tally)
        _add_plan(whole.plan, day.plan)
        progress(
            f"day {number} of {shop.days}: {day.plan.spans.total():,} spans, {day.plan.logs.total():,} log records"
        )
    whole.tally.add(invitations(shop))
    _add_plan(whole.plan, _write_metrics(directory, shop, whole.tally))
    progress(f"metrics: {whole.plan.metric_points.total():,} points")
    _add_plan(whole.plan, write_broken(Collector(directory, shop), shop))
    truth = build(shop, whole.observed, whole.plan, whole.tally)
    write_manifest(directory, whole.plan.sent.manifest)
    (directory / OUTSIDE_COUNTS).write_bytes(_json(outside_counts(truth)))
    (directory / TRUTH).write_bytes(_json(asdict(truth)))
    return truth


@contextmanager
def _whole_or_nothing(out: Path) -> Iterator[Path]:
    """A directory beside `out` that takes its place at the end, or vanishes when something goes wrong."""
    out = out.resolve()
    directory = out.with_name(f".{out.name}.partial")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        yield directory
        if out.exists():
            out.rmdir()
        os.replace(directory, out)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _days(shop: Shop, directory: Path) -> Iterator[Day]:
    work = partial(_day, shop, directory)
    if shop.users * shop.days < PARALLEL_FROM_USER_DAYS:
        yield from map(work, range(shop.days))
        return
    with ProcessPoolExecutor(max_workers=2) as pool:
        yield from pool.map(work, range(shop.days))


def _day(shop: Shop, directory: Path, number: int) -> Day:
    """Simulate, send and count one day. The collector is held off: millions of objects, none of them garbage."""
    day, out = Day(), Outbox(Random(f"{shop.seed}/emit/{number}"))
    gc.disable()
    try:
        for fact in facts_of_day(shop, number):
            day.observed.observe(fact)
            tally(day.tally, shop, fact)
            emit(out, fact)
        collector = Collector(directory, shop)
        collector.write_day(number, out)
    finally:
        gc.enable()
    day.plan = Plan(collector.sent, out.span_counts, out.log_counts, oddities=out.oddities)
    return day


def _write_metrics(directory: Path, shop: Shop, counted: Tally) -> Plan:
    collector, plan = Collector(directory, shop), Plan()
    for number, (received_ns, window, data) in enumerate(requests(shop, points(shop, counted))):
        dates = [utc_date(time_ns) for time_ns, _, _ in window]
        for day, (_, _, metric) in zip(dates, window, strict=True):
            plan.metric_points[metric.name, _METRIC_TYPES[metric.WhichOneof("data") or ""], day] += 1
        name = f"metrics/{utc_date(received_ns)}/backend-{number:05d}"
        collector.write_body(
            name,
            Body("metrics", False, data, received_ns),
            ("gzip", "zstd", "")[number % 3],
            Counter(dates),
            2 if number % 29 == 28 else 1,
        )
    plan.sent = collector.sent
    return plan


_METRIC_TYPES = {
    "sum": "SUM",
    "gauge": "GAUGE",
    "histogram": "HISTOGRAM",
    "exponential_histogram": "EXPONENTIAL_HISTOGRAM",
    "summary": "SUMMARY",
}


def _add_plan(into: Plan, other: Plan) -> None:
    into.sent.add(other.sent)
    for name in ("spans", "logs", "metric_points", "oddities", "dead_letters"):
        getattr(into, name).update(getattr(other, name))


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
