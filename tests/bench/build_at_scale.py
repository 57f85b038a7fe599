"""`make bench-build`: a full build over 10 million spans, and what one new day costs after 3 days and after 96.

The lake is the demo's, copied day after day with ids of its own. Needs some 15 minutes and 5 GB of disk. The number of
copies may be given: `python tests/bench/build_at_scale.py 2`.
"""

import os
import resource
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from time import perf_counter

import duckdb

from tests.demo.conftest import run

DAYS_A_COPY = 3
COPIES = 32  # 32 × 317,538 spans
OTELMART = str(Path(sys.executable).parent / "otelmart")
SHIFT = "k * 3"
LATER = f"to_days(cast({SHIFT} as integer))"
NANO = f"{SHIFT} * 86400 * 1000000000"
COPIED_ID = "printf('%04x', k) || substr({0}, 5)"
TABLES = {
    "traces": f"""start_time + {LATER} as start_time, end_time + {LATER} as end_time,
        start_time_unix_nano + {NANO} as start_time_unix_nano, end_time_unix_nano + {NANO} as end_time_unix_nano,
        {COPIED_ID.format("trace_id")} as trace_id""",
    "logs": f"""time + {LATER} as time, time_unix_nano + {NANO} as time_unix_nano,
        {COPIED_ID.format("trace_id")} as trace_id""",
    "metrics": f"""time + {LATER} as time, start_time + {LATER} as start_time,
        time_unix_nano + {NANO} as time_unix_nano, start_time_unix_nano + {NANO} as start_time_unix_nano""",
}
COMMON = f"""{COPIED_ID.format("payload_id")} as payload_id, ingest_time + {LATER} as ingest_time,
    event_date + cast({SHIFT} as integer) as event_date"""


def main(place: Path, copies: int) -> None:
    source = place / "source"
    if not source.exists():
        place.mkdir(parents=True, exist_ok=True)
        run(place, OTELMART, "demo", "--to", str(place / "demo"), "--force")
        run(place, OTELMART, "ingest", "--from", f"files:{place}/demo", "--to", f"lake:{source}")
    seconds = {}
    for name, count in (("few", 1), ("many", copies)):
        lake, warehouse = place / name, place / f"{name}.duckdb"
        shutil.rmtree(lake, ignore_errors=True)
        warehouse.unlink(missing_ok=True)
        _copy(source, lake, range(count), "days")
        full, peak_mb = _build(lake, warehouse)
        days = DAYS_A_COPY * count
        print(f"full build: {_spans(lake):,} spans, {days} days, {full:.0f} s, peak {peak_mb:,.0f} MB", flush=True)
        _copy(source, lake, range(count, count + 1), "new", f"event_date = date '{_first_day(source)}' + {days}")
        seconds[name], _ = _build(lake, warehouse)
        print(f"one new day after {days}: {seconds[name]:.1f} s", flush=True)
    print(f"ratio of a new day after many to one after few: {seconds['many'] / seconds['few']:.2f}")


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


def _copy(source: Path, lake: Path, copies: range, name: str, where: str = "true") -> None:
    """Writes days of the copies as parts called `name`, with their ledger entries."""
    numbers = f"(select unnest(range({copies.start}, {copies.stop})) as k)"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false; set memory_limit = '4GB'")
        for table, shifted in TABLES.items():
            rows = f"""select * exclude (k) replace ({shifted}, {COMMON})
                from read_parquet('{source}/{table}/*/*.parquet', hive_partitioning = true), {numbers}"""
            (lake / table).mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy (select * from ({rows}) where {where}) to '{lake}/{table}' (format parquet, compression zstd,"
                f" partition_by (event_date), filename_pattern '{name}-{{i}}', overwrite_or_ignore)"
            )
        entries = f"""select * exclude (k) replace ({COPIED_ID.format("payload_id")} as payload_id,
                {COPIED_ID.format("unit_id")} as unit_id, receive_time + {LATER} as receive_time,
                event_date + cast({SHIFT} as integer) as event_date)
            from read_parquet('{source}/ingest_ledger/*.parquet'), {numbers}"""
        (lake / "ingest_ledger").mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"copy (select * from ({entries}) where {where}) to '{lake}/ingest_ledger/{name}.parquet' (format parquet)"
        )


def _build(lake: Path, warehouse: Path) -> tuple[float, float]:
    """(seconds, peak MB of its largest process) of `otelmart build`."""
    command = [OTELMART, "build", "--lake", str(lake), "--warehouse", str(warehouse), "--no-tests", "--json"]
    started = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return perf_counter() - started, peak_kb / 1024


if __name__ == "__main__":
    main(Path(os.environ.get("OTELMART_BENCH_DIR", ".otelmart/bench-build")).resolve(), int(*sys.argv[1:] or [COPIES]))
