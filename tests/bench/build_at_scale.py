"""`make bench-build`: a full build over 10 million spans, and what one new day costs after 3 days and after 95.

The lake is the demo's, copied day after day with ids of its own. Needs some 15 minutes, 10 GB of disk; prints ratios.
"""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import duckdb

from tests.demo.conftest import run

DAYS_A_COPY = 3
COPIES = 32  # 32 × 317,538 spans
OTELMART = str(Path(sys.executable).parent / "otelmart")
SHIFT = "k * 3"
NANO = f"{SHIFT} * 86400 * 1000000000"
COPIED_ID = "printf('%04x', k) || substr({0}, 5)"
TABLES = {
    "traces": f"""start_time + to_days({SHIFT}) as start_time, end_time + to_days({SHIFT}) as end_time,
        start_time_unix_nano + {NANO} as start_time_unix_nano, end_time_unix_nano + {NANO} as end_time_unix_nano,
        {COPIED_ID.format("trace_id")} as trace_id""",
    "logs": f"""time + to_days({SHIFT}) as time, time_unix_nano + {NANO} as time_unix_nano,
        {COPIED_ID.format("trace_id")} as trace_id""",
    "metrics": f"""time + to_days({SHIFT}) as time, start_time + to_days({SHIFT}) as start_time,
        time_unix_nano + {NANO} as time_unix_nano, start_time_unix_nano + {NANO} as start_time_unix_nano""",
}
COMMON = f"""{COPIED_ID.format("payload_id")} as payload_id, ingest_time + to_days({SHIFT}) as ingest_time,
    event_date + cast({SHIFT} as integer) as event_date"""


def main(place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    demo, source = place / "demo", place / "source"
    if not source.exists():
        run(place, OTELMART, "demo", "--to", str(demo), "--force")
        run(place, OTELMART, "ingest", "--from", f"files:{demo}", "--to", f"lake:{source}")
    days = DAYS_A_COPY * COPIES
    _copy(source, place / "all", COPIES)
    seconds, peak_mb = _build(place / "all", place / "all.duckdb")
    with duckdb.connect() as connection:
        files = f"read_parquet('{place}/all/traces/*/*.parquet')"
        spans = connection.execute(f"select count(*) from {files}").fetchall()[0][0]
    print(f"full build: {spans:,} spans of {days} days in {seconds:.0f} s, peak {peak_mb:,.0f} MB", flush=True)

    costs = {}
    for copies in (1, COPIES):
        lake, warehouse = place / "grown", place / "grown.duckdb"
        shutil.rmtree(lake, ignore_errors=True)
        warehouse.unlink(missing_ok=True)
        _copy(source, lake, copies, but_last_day=True)
        _build(lake, warehouse)
        _copy(source, lake, copies, only_last_day=True)
        costs[copies], _ = _build(lake, warehouse)
        history = DAYS_A_COPY * copies - 1
        print(f"one new day after {history} days: {costs[copies]:.1f} s", flush=True)
    print(f"ratio: {costs[COPIES] / costs[1]:.2f} (at most 1.2 is asked)")


def _copy(source: Path, lake: Path, copies: int, but_last_day: bool = False, only_last_day: bool = False) -> None:
    """Writes days of the copies: all, all but the last, or the last one alone, each with its ledger entries."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false; set memory_limit = '4GB'")
        last = connection.execute(
            f"select max(event_date) + {DAYS_A_COPY * (copies - 1)} from read_parquet('{source}/traces/*/*.parquet')"
        ).fetchall()[0][0]
        where = f"event_date = date '{last}'" if only_last_day else "true"
        where = f"event_date < date '{last}'" if but_last_day else where
        name = "last" if only_last_day else "days"
        for table, shifted in TABLES.items():
            rows = f"""select * replace ({shifted}, {COMMON})
                from read_parquet('{source}/{table}/*/*.parquet', hive_partitioning = true), range({copies}) as r (k)"""
            (lake / table).mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy (select * from ({rows}) where {where}) to '{lake}/{table}' (format parquet, compression zstd,"
                f" partition_by (event_date), filename_pattern '{name}-{{i}}', overwrite_or_ignore)"
            )
        entries = f"""select * replace ({COPIED_ID.format("payload_id")} as payload_id,
                {COPIED_ID.format("unit_id")} as unit_id, receive_time + to_days({SHIFT}) as receive_time,
                event_date + cast({SHIFT} as integer) as event_date)
            from read_parquet('{source}/ingest_ledger/*.parquet'), range({copies}) as r (k)"""
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
    main(Path(os.environ.get("OTELMART_BENCH_DIR", ".otelmart/bench-build")).resolve())
