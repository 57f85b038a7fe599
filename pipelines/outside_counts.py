"""Rows counted outside the pipeline, which is what makes a loss visible: from beside a source's files into the lake."""

import hashlib
import json
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import tables
from pipelines.errors import UsageError
from pipelines.sinks.lake import write_file
from pipelines.sources.contents import Listing

TABLE = "outside_counts"

Key = tuple[str, date]


def take_over(listing: Listing, lake: Path) -> None:
    """Puts the counts that lie beside the files of a source into the lake. Those of two sources add up."""
    for name in listing.skipped:
        if fnmatch(Path(name).name, f"{TABLE}.json"):
            content = listing.place.content(name)
            path = lake / TABLE / f"{hashlib.sha256(content).hexdigest()[:20]}.parquet"
            if not path.exists():
                write_file(path, _counts(content, listing.place.path(name)), TABLE)


def found(lake: Path) -> dict[Key, dict[str | None, int | None]]:
    """{(table, date): {counter: rows}} of a lake; several files of one counter add up."""
    counts: dict[Key, dict[str | None, int | None]] = {}
    for path in sorted((lake / TABLE).glob("*.parquet")):
        for row in pq.read_table(path, partitioning=None).to_pylist():
            counters = counts.setdefault((row["table_name"], row["event_date"]), {})
            counters[row["counted_by"]] = (counters.get(row["counted_by"]) or 0) + row["row_count"]
    return counts


def _counts(content: bytes, path: str) -> pa.Table:
    try:
        rows = [row | {"event_date": date.fromisoformat(row["event_date"])} for row in json.loads(content)]
        return pa.Table.from_pylist(rows, schema=tables.arrow_schema(TABLE))
    except (ValueError, TypeError, KeyError, pa.ArrowException):
        want = '[{"counted_by": "...", "table_name": "traces", "event_date": "2026-01-31", "row_count": 0}, ...]'
        raise UsageError(f"{path} holds no counts: want {want}, or no such file") from None
