"""What a fill decoded, counted before it leaves for BigQuery, against what BigQuery then has of the same units.

The other side of `backfill.proofs`, which asks BigQuery alone: rows that are gone with their ledger entries show here.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from pipelines import checksums
from pipelines.checksums import Sums
from pipelines.dataset import Dataset
from pipelines.errors import RunError
from pipelines.payloads import SIGNALS
from pipelines.sinks import RefusedRow, Sink, Writing

_UNITS_AT_ONCE = 20_000  # BigQuery takes statements of 1 MB
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Filled:
    """One unit: its files, the messages in them that were known before, and count and checksum of what is new: of
    payload ids, and of rows by table and event date."""

    unit_id: str
    file_count: int
    copy_count: int = 0
    payloads: tuple[int, int] = (0, 0)
    rows: dict[str, Sums] = field(default_factory=dict)

    def packed(self) -> bytes:
        """As one element of a graph."""
        rows = {table: {str(day): sums for day, sums in by_day.items()} for table, by_day in self.rows.items()}
        return json.dumps([self.unit_id, self.file_count, self.copy_count, self.payloads, rows]).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> "Filled":
        unit_id, file_count, copy_count, payloads, rows = json.loads(data)
        told = {
            table: {date.fromisoformat(day): (count, checksum) for day, (count, checksum) in by_day.items()}
            for table, by_day in rows.items()
        }
        return cls(unit_id, file_count, copy_count, (payloads[0], payloads[1]), told)


@dataclass(frozen=True, slots=True)
class Compared:
    """Messages read, payloads of them that are new, and the new rows by table: BigQuery has all of these."""

    message_count: int
    payload_count: int
    row_counts: dict[str, int]


class Noted:
    """A sink that notes what one unit gives it: rows until they are published, then the unit's ledger entries."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rows: dict[str, list[pa.RecordBatch]] = {}
        self.payloads = (0, 0)

    def begin(self, unit_id: str) -> Writing:
        self._rows = {}
        return _Noting(self._sink.begin(unit_id), self._rows)

    def commit(self, unit_id: str, entries: pa.Table) -> None:
        self._sink.commit(unit_id, entries)
        self.payloads = _of_ids(map(str, entries.column("payload_id").to_pylist()))

    def sums(self) -> dict[str, Sums]:
        """Of the rows that were published last, by table."""
        return {table: checksums.of_rows(pa.Table.from_batches(own), table) for table, own in self._rows.items()}


@dataclass(frozen=True, slots=True)
class _Noting:
    writing: Writing
    rows: dict[str, list[pa.RecordBatch]]

    def add(self, table: str, day: date, rows: pa.RecordBatch) -> None:
        self.writing.add(table, day, rows)
        if table in SIGNALS:
            self.rows.setdefault(table, []).append(rows)

    def publish(self) -> Collection[RefusedRow]:
        return self.writing.publish()

    def discard(self) -> None:
        self.writing.discard()


def compare(found: Sequence[Filled], dataset: Dataset) -> Compared:
    """Raises RunError when what is new of these units is not in the dataset, ledger and rows, as it was decoded."""
    new = [each for each in found if each.payloads[0]]
    for first in range(0, len(new), _UNITS_AT_ONCE):
        some = new[first : first + _UNITS_AT_ONCE]
        _compare_payloads(some, dataset)
        for table in SIGNALS:
            _compare_rows(some, dataset, table)
    payload_count = sum(each.payloads[0] for each in new)
    return Compared(
        payload_count + sum(each.copy_count for each in found),
        payload_count,
        {table: _row_count(each.rows.get(table, {}) for each in new) for table in SIGNALS},
    )


def _compare_payloads(new: Sequence[Filled], dataset: Dataset) -> None:
    statement = checksums.payloads_by_unit(dataset.place, [each.unit_id for each in new])
    there = {row["unit_id"]: (row["payload_count"], row["checksum"]) for row in dataset.rows(statement)}
    if differing := [each for each in new if there.get(each.unit_id) != each.payloads]:
        decoded = sum(each.payloads[0] for each in differing)
        has = sum(there.get(each.unit_id, (0, 0))[0] for each in differing)
        units = ", ".join(each.unit_id for each in differing[:_SHOWN])
        raise RunError(
            f"the ledger of {dataset.place} does not have what was decoded of {len(differing):,} units ({units}): "
            f"{decoded:,} payloads were committed, it has {has:,}: were ledger entries deleted meanwhile? "
            "Run the same command again: it loads what the ledger does not have"
        )


def _compare_rows(new: Sequence[Filled], dataset: Dataset, table: str) -> None:
    wanted = {(each.unit_id, day): sums for each in new for day, sums in each.rows.get(table, {}).items()}
    if not wanted:
        return
    columns = dataset.columns(table)
    days = sorted(day for _, day in wanted)
    units = sorted({unit for unit, _ in wanted})
    statement = checksums.rows_by_unit(dataset.place, table, units, days[0], days[-1], columns)
    there = {
        (row["unit_id"], row["event_date"]): (row["row_count"], row["checksum"]) for row in dataset.rows(statement)
    }
    is_whole = checksums.compared(table) <= columns  # values that a column is missing for were left out, and counted
    length = 2 if is_whole else 1
    if differing := [key for key in wanted if there.get(key, (0, 0))[:length] != wanted[key][:length]]:
        raise _other_rows(table, dataset.place, [wanted[key] for key in differing], differing, there)


def _other_rows(
    table: str, place: str, wanted: Sequence[tuple[int, int]], keys: Sequence[tuple[str, date]], there: Any
) -> RunError:
    days = ", ".join(sorted({str(day) for _, day in keys})[:_SHOWN])
    decoded, has = sum(count for count, _ in wanted), sum(there.get(key, (0, 0))[0] for key in keys)
    what = f"{decoded:,} rows were decoded, {has:,} are there" if decoded != has else "their checksums differ"
    return RunError(
        f"{table} of {days} in {place} are not what was decoded from the source: {what}: were rows deleted or changed "
        "meanwhile, or columns added? Delete what is left of them and their ledger entries, and run the command again"
    )


def _row_count(sums: Iterable[Sums]) -> int:
    return sum(count for by_day in sums for count, _ in by_day.values())


def _of_ids(payload_ids: Iterable[str]) -> tuple[int, int]:
    distinct = set(payload_ids)
    checksum = 0
    for payload_id in distinct:
        checksum ^= int(hashlib.md5(payload_id.encode(), usedforsecurity=False).hexdigest()[: checksums.HEX_DIGITS], 16)
    return len(distinct), checksum
