"""How far a load is, told by the ledger files that appear: the same for every engine, and true after a crash."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

import click
import pyarrow.parquet as pq

from pipelines.dead_letters import reason_counts
from pipelines.sinks.lake import ledger_file
from pipelines.units import Unit, is_committed

_INTERVAL_SECONDS = 0.5
_COUNTS = ("written_row_count", "dead_lettered_row_count", "unparsed_message_count")
_NOUNS = {"traces": "spans", "logs": "log records", "metrics": "metric points"}


class Progress:
    """One line on stderr, rewritten while it is a terminal: files, MB/s, rows/s, time left."""

    def __init__(self, lake: Path, units: Sequence[Unit]) -> None:
        self._lake, self._units = lake, units
        self._rows: dict[str, int] = {}
        self._started = perf_counter()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and self._units:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
            click.echo("\r\033[K", nl=False, err=True)

    def _show(self) -> None:
        while not self._is_over.wait(_INTERVAL_SECONDS):
            click.echo(f"\r\033[K{self._line()}", nl=False, err=True)

    def _line(self) -> str:
        for unit in self._units:
            if unit.unit_id not in self._rows and is_committed(self._lake, unit.unit_id):
                self._rows[unit.unit_id] = sum(row_counts(self._lake, [unit]).values())
        done = [unit for unit in self._units if unit.unit_id in self._rows]
        return progress_line(done, self._units, sum(self._rows.values()), perf_counter() - self._started)


def progress_line(done: Sequence[Unit], units: Sequence[Unit], row_count: int, seconds: float) -> str:
    """`12 of 40 files, 8.1 MB/s, 61,000 rows/s, 9 s left`; the rates appear with the first finished unit."""
    files = f"{sum(len(u.files) for u in done):,} of {sum(len(u.files) for u in units):,} files"
    done_bytes, all_bytes = sum(u.byte_count for u in done), sum(u.byte_count for u in units)
    if not done_bytes:
        return f"{files}, {all_bytes / 1e6:.1f} MB to load, {seconds:.0f} s"
    left_seconds = (all_bytes - done_bytes) / done_bytes * seconds
    rates = f"{done_bytes / 1e6 / seconds:.1f} MB/s, {row_count / seconds:,.0f} rows/s"
    return f"{files}, {rates}, {left_seconds:.0f} s left"


def row_counts(lake: Path, units: Sequence[Unit]) -> dict[str, int]:
    """Rows written by committed units, by table, and the rows and messages that became dead letters."""
    counts: dict[str, int] = {}
    for unit in units:
        entries = pq.read_table(ledger_file(lake, unit.unit_id), columns=["table_name", *_COUNTS], partitioning=None)
        sums = entries.group_by("table_name").aggregate([(name, "sum") for name in _COUNTS])
        for entry in sums.to_pylist():
            table = entry["table_name"]
            counts[table] = counts.get(table, 0) + sum(entry[f"{name}_sum"] for name in _COUNTS)
    return dict(sorted(counts.items()))


def summary_of(lake: Path, units: Sequence[Unit], seconds: float, **more: Any) -> dict[str, Any]:
    """What a run did, printed on stderr."""
    done = [unit for unit in units if is_committed(lake, unit.unit_id)]
    rows = row_counts(lake, done)
    dead_count = rows.pop("dead_letters", 0)
    summary = {
        "units": len(done),
        "files": sum(len(unit.files) for unit in done),
        "bytes": sum(unit.byte_count for unit in done),
        "rows": rows,
        "dead_letters": reason_counts(lake, {unit.unit_id for unit in done}) if dead_count else {},
        "seconds": round(seconds, 3),
        **more,
    }
    click.echo(summary_text(summary), err=True)
    return summary


def summary_text(summary: dict[str, Any]) -> str:
    """One line of what was loaded, and one of what was not."""
    if not summary["units"]:
        return "nothing new"
    rows = ", ".join(f"{count:,} {_NOUNS[table]}" for table, count in summary["rows"].items()) or "no rows"
    rate = sum(summary["rows"].values()) / summary["seconds"]
    origin = f"{summary['files']:,} files ({summary['bytes'] / 1e6:.1f} MB)"
    if not summary["files"]:
        origin = f"{summary['letters']:,} dead letters"
    mb_per_second = summary["bytes"] / 1e6 / summary["seconds"]
    lines = [f"{rows} from {origin} in {summary['seconds']:.1f} s, {mb_per_second:.1f} MB/s, {rate:,.0f} rows/s"]
    if summary["dead_letters"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary["dead_letters"].items())
        lines.append(f"dead letters: {reasons}; put right what you can and run otelmart replay")
    return "\n".join(lines)
