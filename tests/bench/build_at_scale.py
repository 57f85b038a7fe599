"""`make bench-build`: a full build over 10 million spans, and what one new day costs after 3 days and after 96.

The new day is built five times after few days and after many, in turns, each time from a copy of the warehouse, and
the middle of the times counts. Prints what each model took and read for it, and how long the verbs that people ask with
take over all of it. The lake is the demo's, copied day after day with ids of its own. Needs some 15 minutes and 9 GB of
disk. The number of copies may be given: `python tests/bench/build_at_scale.py 2`.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter

import duckdb

from pipelines.cli import model_reads
from tests.bench.copied_days import copy_days
from tests.demo.conftest import run

DAYS_A_COPY = 3
ROUNDS = 5
COPIES = 32  # 32 × 317,538 spans
OTELMART = str(Path(sys.executable).parent / "otelmart")


def main(place: Path, copies: int) -> None:
    source = place / "source"
    if not source.exists():
        place.mkdir(parents=True, exist_ok=True)
        run(place, OTELMART, "demo", "--to", str(place / "demo"), "--force")
        run(place, OTELMART, "ingest", "--from", f"files:{place}/demo", "--to", f"lake:{source}")
    lakes = {"few": place / "few/lake", "many": place / "many/lake"}
    for name, count in (("few", 1), ("many", copies)):
        days = DAYS_A_COPY * count
        shutil.rmtree(place / name, ignore_errors=True)
        copy_days(source, lakes[name], range(count), DAYS_A_COPY, "days")
        full, peak_mb, _ = _build(lakes[name], place / name / "built.duckdb")
        spans = _spans(lakes[name])
        print(f"full build: {spans:,} spans, {days} days, {full:.0f} s, peak {peak_mb:,.0f} MB", flush=True)
        new_day = f"event_date = date '{_first_day(source)}' + {days}"
        copy_days(source, lakes[name], range(count, count + 1), DAYS_A_COPY, "new", new_day)
    seconds: dict[str, list[float]] = {name: [] for name in lakes}
    reads = {}
    for _ in range(ROUNDS):
        for name, lake in lakes.items():
            warehouse = shutil.copyfile(place / name / "built.duckdb", place / name / "warehouse.duckdb")
            took, _, reads[name] = _build(lake, warehouse)
            seconds[name].append(took)
    for name, times in seconds.items():
        print(f"one new day after {name}: {', '.join(f'{took:.1f}' for took in times)} s", flush=True)
    print("\n".join(_table(reads["few"], reads["many"])))
    for verb, took in _asked(warehouse):
        print(f"otelmart {verb}: {took:.2f} s", flush=True)
    ratio = statistics.median(seconds["many"]) / statistics.median(seconds["few"])
    print(f"ratio of a new day after many to one after few: {ratio:.2f}")


def _spans(lake: Path) -> int:
    with duckdb.connect() as connection:
        return int(
            connection.execute(f"select count(*) from read_parquet('{lake}/traces/*/*.parquet')").fetchall()[0][0]
        )


def _first_day(source: Path) -> date:
    """The first of the demo's days: a few spans with odd clocks lie before it."""
    with duckdb.connect() as connection:
        rows = f"from read_parquet('{source}/traces/*/*.parquet')"
        days = connection.execute(f"select event_date {rows} group by 1 order by count(*) desc limit 3").fetchall()
        return min(day for (day,) in days)


def _build(lake: Path, warehouse: Path) -> tuple[float, float, model_reads.Reads]:
    """(seconds, peak MB of its largest process so far, what each model read) of `otelmart build`."""
    command = [OTELMART, "build", "--lake", str(lake), "--warehouse", str(warehouse), "--no-tests", "--json"]
    started = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return perf_counter() - started, peak_kb / 1024, json.loads(done.stdout)["reads"]


def _asked(warehouse: Path) -> Iterator[tuple[str, float]]:
    """(verb, seconds from start to end, the middle of five) with what a person gives it."""

    def ask(verb: str, *arguments: str) -> str:
        command = [OTELMART, verb, "--warehouse", str(warehouse), "--json", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    some_trace = "select trace_id from fct_traces where span_count > 3 order by md5(trace_id) limit 1"
    trace_id = json.loads(ask("query", some_trace))[0]["trace_id"]
    revenue = "select event_date, sum(order_count) from fct_revenue_daily group by all"
    for verb, *arguments in (["slo"], ["errors"], ["query", revenue], ["trace", trace_id]):
        times = []
        for _ in range(5):
            started = perf_counter()
            ask(verb, *arguments)
            times.append(perf_counter() - started)
        yield verb, statistics.median(times)


def _table(few: model_reads.Reads, many: model_reads.Reads) -> Iterator[str]:
    """What each model took and read for a new day after few days, and after many; most rows first."""
    yield f"{'after few | after many':34} {model_reads.HEADINGS} | {model_reads.HEADINGS}"
    for name in sorted(many, key=lambda name: -(many[name]["rows_read"] or 0)):
        yield f"{name:34} {model_reads.figures(few[name])} | {model_reads.figures(many[name])}"
    yield f"{'all':34} {model_reads.figures(model_reads.total(few))} | {model_reads.figures(model_reads.total(many))}"


if __name__ == "__main__":
    main(Path(os.environ.get("OTELMART_BENCH_DIR", ".otelmart/bench-build")).resolve(), int(*sys.argv[1:] or [COPIES]))
