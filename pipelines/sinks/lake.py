"""Arrow rows → Parquet parts, one a unit, table and event date; bytes depend on the rows alone.

Parts appear by rename when the unit is whole; the ledger file of the unit, renamed last, commits them.
"""

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import durable, tables
from pipelines.checks import Check
from pipelines.errors import RunError
from pipelines.sinks import RefusedRow

BUFFER_BYTES = 64 << 20
BATCH_SECONDS = 10.0  # each batch is some files more
MAX_OPEN_PARTS = 100
_ROW_GROUP_ROWS = 1 << 20
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)

# Parquet's default statistics cost 0.9 µs a row; readers filter on these.
_FILTER_COLUMNS = {
    "trace_id", "service_name", "name", "metric_name", "severity_number", "severity_text", "status_code", "kind",
    "http_status_code", "duration_ns", "deployment_environment", "event_date", "reason", "signal", "table_name",
}  # fmt: skip
_BLOOM_FILTERS = {"traces": ("trace_id",), "logs": ("trace_id",)}
_DISTINCT = {"span_id", "parent_span_id", "dead_letter_id", "linked_trace_id", "linked_span_id"}


def by_event_date(rows: pa.RecordBatch, table: str) -> Iterator[tuple[date, pa.RecordBatch]]:
    """(UTC date of the partition column, its rows in their order), earliest date first."""
    if not rows.num_rows:
        return
    days = event_days(rows, table)
    for day in np.unique(days).tolist():
        indices = np.flatnonzero(days == day)
        day_rows = rows if len(indices) == len(days) else _standalone(rows.take(indices))
        yield _EPOCH + timedelta(days=day), day_rows


def event_days(rows: pa.RecordBatch, table: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Days since 1970-01-01 UTC of each row's event time."""
    times = rows.column(tables.partition_column(table)).cast(pa.int64())
    return np.asarray(times, np.int64) // _DAY_US


@dataclass(frozen=True, slots=True)
class _Part:
    """A part that rows are being written to."""

    half_way: Path
    path: Path
    schema: pa.Schema
    writer: pq.ParquetWriter


class Parts:
    """The parts of one unit while they are written. Memory holds `BUFFER_BYTES` of rows; the largest leave first."""

    def __init__(self, lake: Path, unit_id: str) -> None:
        self._lake = lake
        self._unit_id = unit_id
        self._waiting: dict[tuple[str, date], list[pa.RecordBatch]] = {}
        self._waiting_bytes: dict[tuple[str, date], int] = {}
        self._open: dict[tuple[str, date], _Part] = {}
        self._closed: dict[Path, Path] = {}
        self._part_counts: dict[tuple[str, date], int] = {}

    def add(self, table: str, day: date, rows: pa.RecordBatch) -> None:
        key = table, day
        self._waiting.setdefault(key, []).append(rows)
        self._waiting_bytes[key] = self._waiting_bytes.get(key, 0) + rows.nbytes
        while sum(self._waiting_bytes.values()) > BUFFER_BYTES:
            self._flush(max(self._waiting_bytes, key=lambda k: (self._waiting_bytes[k], k)))

    def publish(self) -> Collection[RefusedRow]:
        """Gives every part its name, durably. Parquet refuses no row."""
        for key in sorted(self._waiting):
            self._flush(key)
            self._close(key)
        for key in sorted(self._open):
            self._close(key)
        durable.publish(self._closed)
        return ()

    def discard(self) -> None:
        """Removes what was written so far."""
        for part in self._open.values():
            with suppress(OSError):  # a full disk refuses the footer too
                part.writer.close()
            self._closed[part.half_way] = part.path
        for half_way in self._closed:
            half_way.unlink(missing_ok=True)

    def _flush(self, key: tuple[str, date]) -> None:
        batches = self._waiting.pop(key)
        del self._waiting_bytes[key]
        if key not in self._open:
            if len(self._open) == MAX_OPEN_PARTS:
                self._close(min(self._open))
            self._open[key] = self._opened(key, batches[0].schema, sum(b.num_rows for b in batches))
        part = self._open[key]
        rows = pa.Table.from_batches([b if b.schema == part.schema else b.cast(part.schema) for b in batches])
        part.writer.write_table(rows.unify_dictionaries(), row_group_size=_ROW_GROUP_ROWS)

    def _opened(self, key: tuple[str, date], schema: pa.Schema, row_count: int) -> _Part:
        table, day = key
        number = self._part_counts.get(key, 0)
        self._part_counts[key] = number + 1
        name = f"{self._unit_id}{f'-{number}' if number else ''}.parquet"
        path = self._lake / table / f"event_date={day}" / name
        half_way = durable.temporary(path)
        writer = pq.ParquetWriter(half_way, schema, **writer_options(table, schema, row_count))
        return _Part(half_way, path, schema, writer)

    def _close(self, key: tuple[str, date]) -> None:
        if key in self._open:
            part = self._open.pop(key)
            self._closed[part.half_way] = part.path  # a full disk may refuse the footer: discard removes it
            part.writer.close()


class Lake:
    """A lake as the sink of a worker: units are named as they come, so what a killed writer left is known by its name.

    A claim is a locked file that bears the writer's id; the lock goes when the process does, however it ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._claims = folder / "_plans" / "writers"
        self._claim: IO[str] | None = None
        self._claimed = self._claims

    @property
    def batch_seconds(self) -> float:
        return BATCH_SECONDS

    def checks(self) -> Iterator[Check]:
        yield Check(f"lake {self._folder}", self._fit)

    def claim(self, writer_id: str) -> None:
        self._claims.mkdir(parents=True, exist_ok=True)
        half_way = durable.temporary(self._claims / writer_id)
        self._claim = half_way.open("w")
        fcntl.flock(self._claim, fcntl.LOCK_EX)
        half_way.rename(self._claims / writer_id)  # locked before anyone can see it
        self._claimed = self._claims / writer_id

    def recover(self) -> None:
        """Also while others do: a locked claim is a living writer's or theirs, one that vanished is nobody's."""
        for path in sorted(self._claims.glob("[!.]*")):
            with suppress(BlockingIOError, FileNotFoundError), path.open("r+") as claim:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._remove_uncommitted(path.name)
                path.unlink()

    def begin(self, unit_id: str) -> Parts:
        return Parts(self._folder, unit_id)

    def commit(self, unit_id: str, entries: pa.Table) -> None:
        write_file(ledger_file(self._folder, unit_id), entries, "ingest_ledger")

    def known_payload_ids(self, since: date) -> Collection[str]:
        start = datetime(since.year, since.month, since.day, tzinfo=UTC)
        found: dict[str, None] = {}
        paths = (self._folder / "ingest_ledger").glob("*.parquet")
        for time, path in sorted((path.stat().st_mtime, path) for path in paths):
            if time >= start.timestamp():
                found |= dict.fromkeys(payload_ids(path))
        return found

    def left_out(self) -> Mapping[str, int]:
        return {}  # a file holds what schemas/ say

    def close(self) -> None:
        if self._claim:
            self._claimed.unlink(missing_ok=True)
            self._claim.close()
            self._claim = None

    def _fit(self) -> str:
        there = next(path for path in (self._folder.absolute(), *self._folder.absolute().parents) if path.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise RunError(f"{there} is no directory that this user may write to: change it, or choose another lake")
        check_schema(self._folder)
        return ""

    def _remove_uncommitted(self, writer_id: str) -> None:
        for path in [
            *self._folder.glob(f"*/event_date=*/{writer_id}*"),
            *self._folder.glob(f"*/event_date=*/.{writer_id}*"),
        ]:
            unit_id = path.name.lstrip(".").partition(".")[0].partition("-")[0]
            if not ledger_file(self._folder, unit_id).exists():
                path.unlink(missing_ok=True)


def ledger_file(lake: Path, unit_id: str) -> Path:
    """The file whose rename commits a unit."""
    return lake / "ingest_ledger" / f"{unit_id}.parquet"


def payload_ids(entries: Path | pa.BufferReader) -> list[str]:
    """Payloads of a ledger file; of several dates or tables, several times."""
    with pq.ParquetFile(entries) as file:  # a fifth of the time of read_table, and there are thousands of files
        return [str(identity) for identity in file.read(["payload_id"])["payload_id"].to_pylist()]


def write_file(path: Path, rows: pa.Table, table: str) -> None:
    """One whole file, there at once: how a ledger file commits its unit."""
    half_way = durable.temporary(path)
    with pq.ParquetWriter(half_way, rows.schema, **writer_options(table, rows.schema, rows.num_rows)) as writer:
        writer.write_table(rows)
    durable.publish({half_way: path})


def check_schema(lake: Path) -> None:
    """Raises RunError if parts already there have a column of another type than schemas/ say; missing ones are fine."""
    for table in tables.TABLES:
        wanted = tables.arrow_schema(table)
        for part in _some_parts(lake / table):
            for column in _columns(part):
                want = wanted.field(column.name).type if column.name in wanted.names else column.type
                if column.type != want:
                    raise RunError(
                        f"{table}.{column.name} is {column.type} in {part}, but {want} in schemas/{table}.json: "
                        "ingest into a new lake, --to lake:DIR"
                    )


def _columns(part: Path) -> pa.Schema:
    try:
        return pq.read_schema(part)
    except FileNotFoundError:  # compacted since it was listed, with others of these columns
        return pa.schema([])


def _some_parts(table: Path) -> set[Path]:
    """The first part of a table and the last, by name."""
    folders = sorted(table.glob("event_date=*")) or [table]
    ends = (folders, min), (folders[::-1], max)
    found = (next((p for folder in ordered if (p := _part(folder, choose))), None) for ordered, choose in ends)
    return {part for part in found if part}


def _part(folder: Path, choose: Callable[..., str]) -> Path | None:
    names = [name for name in os.listdir(folder) if name.endswith(".parquet")] if folder.is_dir() else []
    return folder / choose(names) if names else None


def writer_options(table: str, schema: pa.Schema, row_count: int) -> dict[str, Any]:
    """What makes a part small and quick to write: zstd 1, statistics where readers filter, dictionaries that pay,
    integers as packed differences, which zstd alone does not find, and ids apart from their lengths."""
    leaves = [leaf for column in schema for leaf in _leaves(column.name, column.type)]
    times = [path for path, kind in leaves if pa.types.is_timestamp(kind)]
    integers = [path for path, kind in leaves if pa.types.is_integer(kind)]
    ids = [path for path, _ in leaves if path in _DISTINCT]
    return {
        "compression": "zstd",
        "compression_level": 1,
        "store_schema": False,  # readers see plain strings whatever was dictionary-encoded in memory
        "write_statistics": [path for path, _ in leaves if path in _FILTER_COLUMNS or path in times],
        "use_dictionary": [path for path, kind in leaves if pa.types.is_string(kind) and path not in _DISTINCT],
        "column_encoding": dict.fromkeys(times + integers, "DELTA_BINARY_PACKED")
        | dict.fromkeys(ids, "DELTA_LENGTH_BYTE_ARRAY"),
        "bloom_filter_options": {
            name: {"ndv": max(row_count, 1), "fpp": 0.01} for name in _BLOOM_FILTERS.get(table, ())
        },
        "data_page_size": 4 << 20,
        "write_batch_size": 1 << 16,  # values that the writer takes at once: its own 1,024 take a twentieth longer
    }


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    if pa.types.is_dictionary(kind):
        yield from _leaves(path, kind.value_type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _leaves(f"{path}.{kind.field(index).name}", kind.field(index).type)
    else:
        yield path, kind


def _standalone(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows whose dictionaries hold only what they use, so that a few late rows do not carry a whole batch's texts."""
    return pa.RecordBatch.from_arrays([_compact(column) for column in rows.columns], schema=rows.schema)


def _compact(array: Any) -> Any:
    kind = array.type
    if pa.types.is_dictionary(kind):
        used = pc.unique(array.indices).drop_null()
        new_codes = np.zeros(len(array.dictionary) or 1, np.int32)
        new_codes[used.to_numpy()] = np.arange(len(used), dtype=np.int32)
        mask = array.indices.is_null() if array.null_count else None
        codes = new_codes[array.indices.fill_null(0).to_numpy(zero_copy_only=False)]
        indices = pa.array(codes, mask=mask.to_numpy(zero_copy_only=False) if mask is not None else None)
        return pa.DictionaryArray.from_arrays(indices, array.dictionary.take(used))
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, _compact(array.values), type=kind) if not array.offset else array
    if pa.types.is_struct(kind) and not array.offset and not array.null_count:
        fields = [_compact(array.field(i)) for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(kind))
    return array
