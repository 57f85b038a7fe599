"""A lake's units → BigQuery by load jobs, which cost nothing: a job a unit and table, its ledger entries last.

A job's id is the hash of what it loads and where to, so BigQuery itself refuses to load a unit twice, for as long as it
remembers jobs (180 days); units that the dataset's ledger has are not asked for at all. A job that failed wrote
nothing: the next one for the same file has its id with a number after it.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import tables
from pipelines.dataset import Dataset
from pipelines.sinks.bigquery import WRITTEN
from pipelines.sinks.lake import ledger_file

ROW_GROUP_BYTES: Final = 64 << 20  # of Arrow; BigQuery wants row groups of 16 MiB or more, or a file of one
DATA: Final = tuple(table for table in WRITTEN if table != "ingest_ledger")


@dataclass(frozen=True, slots=True)
class LakeUnit:
    """A committed unit: its parts by table, and the UTC dates of the first and the last receive time."""

    unit_id: str
    parts: dict[str, tuple[Path, ...]]
    first: date
    last: date

    @property
    def byte_count(self) -> int:
        return sum(part.stat().st_size for parts in self.parts.values() for part in parts)


def received(lake: Path, first: date, last: date) -> dict[str, tuple[date, date]]:
    """Committed units that received something on these UTC dates, in name order: dates of the first and the last."""
    found = {}
    for path in sorted((lake / "ingest_ledger").glob("*.parquet")):
        with pq.ParquetFile(path) as file:  # a fifth of the time of read_table, and there are thousands of files
            times = file.read(["receive_time"])["receive_time"]
        earliest, latest = (_date(pc.min(times)), _date(pc.max(times)))
        if latest >= first and earliest <= last:
            found[path.stem] = earliest, latest
    return found


def units(lake: Path, dates: Mapping[str, tuple[date, date]]) -> list[LakeUnit]:
    """These units with their parts."""
    parts: dict[tuple[str, str], list[Path]] = {}
    for table in DATA:
        for part in sorted((lake / table).glob("event_date=*/*.parquet")):
            parts.setdefault((part.stem.partition("-")[0], table), []).append(part)
    return [
        LakeUnit(unit_id, {table: tuple(parts[unit_id, table]) for table in DATA if (unit_id, table) in parts}, *of)
        for unit_id, of in dates.items()
    ]


def payload_counts(lake: Path, planned: Sequence[LakeUnit]) -> dict[str, int]:
    """Distinct payloads of units by the table that has rows of them, as the lake's ledger says."""
    columns = ["table_name", "payload_id"]
    entries = [pq.read_table(ledger_file(lake, unit.unit_id), columns=columns, partitioning=None) for unit in planned]
    distinct = pa.concat_tables(entries).group_by(columns).aggregate([])
    counted = distinct.group_by("table_name").aggregate([("payload_id", "count")])
    return {row["table_name"]: row["payload_id_count"] for row in counted.to_pylist()}


def load(lake: Path, planned: Sequence[LakeUnit], dataset: Dataset) -> Iterator[LakeUnit]:
    """Loads units that the dataset's ledger does not have; yields each that is done. Raises RunError."""
    statement = f"select distinct unit_id from `{dataset.place}.ingest_ledger` where event_date >= '1970-01-01'"
    there = {row["unit_id"] for row in dataset.rows(statement)}
    for unit in planned:
        if unit.unit_id in there:
            continue
        for table, parts in unit.parts.items():
            _load(dataset, table, unit.unit_id, parts)
        _load(dataset, "ingest_ledger", unit.unit_id, (ledger_file(lake, unit.unit_id),))
        yield unit


def _load(dataset: Dataset, table: str, unit_id: str, parts: Sequence[Path]) -> None:
    with tempfile.TemporaryFile() as file:
        _join(table, parts, file)
        file.seek(0)
        dataset.load(table, file, job_id(dataset.place, table, unit_id, file))


def job_id(place: str, table: str, unit_id: str, file: IO[bytes]) -> str:
    """The same for the same bytes of the same unit into the same table. Leaves the file at its start."""
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    digest.update(f"{place} {table} {unit_id}".encode())
    file.seek(0)
    return f"otelmart-{table}-{digest.hexdigest()[:32]}"


def _join(table: str, parts: Sequence[Path], file: IO[bytes]) -> None:
    """Parts of several dates as one file, in large row groups, with the columns of schemas/."""
    schema = tables.arrow_schema(table)
    with pq.ParquetWriter(file, schema, compression="zstd", compression_level=1) as writer:
        waiting: list[pa.RecordBatch] = []
        for part in parts:
            for rows in pq.ParquetFile(part).iter_batches():
                waiting.append(_as(schema, rows))
                if sum(batch.nbytes for batch in waiting) >= ROW_GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting), row_group_size=1 << 30)
                    waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=1 << 30)


def _as(schema: pa.Schema, rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows with these columns; one that an older part lacks is NULL."""
    columns: list[Any] = [
        rows.column(field.name).cast(field.type) if field.name in rows.schema.names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _date(time: Any) -> date:
    found: datetime = time.as_py()
    return found.astimezone(UTC).date()
