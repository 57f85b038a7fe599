"""`make bench-loads`: what a lake costs that is loaded all day long; ratios first, some six minutes.

Late loads are compared with the first ones; a build over many small files with one over the same rows in a file a day
and table, and after `otelmart compact`, as are the bytes. A load is three requests of 24 rows. The day's files are
copied to the days before it, of which no build has to know. The number of loads may be given: `python
tests/bench/loads_of_a_day.py 2880` is a day of a listener.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from time import perf_counter

import duckdb
import traffic

from pipelines.cli.ingest import ingest
from pipelines.cli.options import Engine
from pipelines.payloads import SIGNALS

LOADS, COMPARED = 600, 20
OTHER_DAYS = 4
ROUNDS = 3
MESSAGE_BYTES = 64 << 20
REQUESTS = {"traces": traffic.trace_requests, "logs": traffic.log_requests, "metrics": traffic.metric_requests}
OTELMART = str(Path(sys.executable).parent / "otelmart")


def main(loads: int) -> None:
    os.environ["OTELMART_PRIVACY_KEY"] = "bench"
    with tempfile.TemporaryDirectory(prefix="otelmart-loads-") as name:
        place = Path(name)
        many, one, compacted = place / "many", place / "one", place / "compacted"
        seconds = [_load(place / "in", many, number) for number in range(loads)]
        _copy_days(many)
        _merge(many, one)
        shutil.copytree(many, compacted)
        subprocess.run([OTELMART, "compact", "--lake", compacted], check=True, capture_output=True)
        builds: dict[Path, list[float]] = {many: [], one: [], compacted: []}
        for number in range(ROUNDS + 1):
            for lake, took in builds.items():
                _load(place / "in", lake, loads + number)
                took.append(_build(lake))
        files, few = (len(list(lake.rglob("*.parquet"))) for lake in (many, compacted))
        bytes_many, bytes_few = (_part_bytes(lake) for lake in (many, compacted))
    first, last = (statistics.median(part) for part in (seconds[:COMPARED], seconds[-COMPARED:]))
    over_many, over_one, over_few = (statistics.median(took[1:]) for took in builds.values())
    lines = [
        (last / first, f"the last of {loads:,} loads over the first: {last * 1e3:.0f} ms, {first * 1e3:.0f} ms"),
        (over_many / over_one, f"a build over {files:,} files over one of few: {over_many:.1f} s, {over_one:.1f} s"),
        (over_few / over_one, f"the same compacted, {few:,} files, over one of few: {over_few:.1f} s"),
        (bytes_few / bytes_many, f"bytes of the parts, compacted: {bytes_few / 1e6:.1f} MB, {bytes_many / 1e6:.1f} MB"),
    ]
    print("\n".join(f"{ratio:8.2f} x   {text}" for ratio, text in lines))


def _load(source: Path, lake: Path, number: int) -> float:
    """Seconds of one load, of requests that are gone after it."""
    source.mkdir(exist_ok=True)
    for signal, requests in REQUESTS.items():
        path = source / f"{number:06}-{signal}.bin"
        path.write_bytes(requests(1, 24, seed=number)[0])
        os.utime(path, ns=(traffic.START_NS, traffic.START_NS))
    started = perf_counter()
    with redirect_stderr(StringIO()):
        ingest(f"files:{source}", lake, MESSAGE_BYTES, Engine("plain"))
    took = perf_counter() - started
    shutil.rmtree(source)
    return took


def _copy_days(lake: Path) -> None:
    for table in SIGNALS:
        (folder,) = (lake / table).iterdir()
        day = date.fromisoformat(folder.name.removeprefix("event_date="))
        for back in range(1, OTHER_DAYS + 1):
            shutil.copytree(folder, folder.with_name(f"event_date={day - timedelta(days=back)}"))


def _merge(many: Path, one: Path) -> None:
    """The same rows in a file for each folder."""
    for folder in {path.parent for path in many.rglob("*.parquet")}:
        target = one / folder.relative_to(many)
        target.mkdir(parents=True)
        rows = f"select * from read_parquet('{folder}/*.parquet', hive_partitioning = false)"
        duckdb.sql(f"copy ({rows}) to '{target}/merged.parquet' (format parquet, compression zstd)")


def _part_bytes(lake: Path) -> int:
    return sum(part.stat().st_size for part in lake.glob("*/event_date=*/*.parquet"))


def _build(lake: Path) -> float:
    started = perf_counter()
    command = [OTELMART, "build", "--lake", lake, "--warehouse", lake.with_suffix(".duckdb"), "--no-tests"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2] or [LOADS]))
