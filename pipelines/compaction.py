"""Small parts of a date → one: a lake that is loaded all day has thousands, most of each of them footer.

What a compacted part holds, unit by unit, and which parts it replaces, is in its own footer. Rows keep their order and
their values. Whoever lists parts and then reads them holds `reading`, so that none vanishes in between.
"""

import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import durable
from pipelines.errors import RunError
from pipelines.payloads import SIGNALS
from pipelines.sinks.lake import BUFFER_BYTES, ledger_file, writer_options

MANY_PARTS = 64  # of a table and date that are small
SMALL_BYTES = 32 << 20
PART_BYTES = 256 << 20
_COMPACTED = "compacted"
_FOOTER_KEY = "otelmart.compacted"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive rows of a part that one unit wrote, to a part of that name."""

    name: str
    row_count: int

    @property
    def unit_id(self) -> str:
        return self.name.partition("-")[0].removesuffix(".parquet")


@dataclass(frozen=True, slots=True)
class Part:
    """A part as its footer describes it; `replaced` are parts that it, or what it was made of, took the place of."""

    path: Path
    stretches: tuple[Stretch, ...]
    replaced: tuple[str, ...] = ()

    @property
    def event_date(self) -> date:
        return date.fromisoformat(self.path.parent.name.partition("=")[2])


@dataclass(frozen=True, slots=True)
class Compacted:
    """A compacted part and what it took the place of."""

    path: Path
    part_count: int
    bytes_before: int
    bytes_after: int


def parts(lake: Path, table: str) -> Iterator[Part]:
    """Every part of a table, but those still there that a compacted one has replaced."""
    for folder in sorted((lake / table).glob("event_date=*")):
        found = [_part(path) for path in sorted(folder.glob("*.parquet"))]
        replaced = {name for part in found for name in part.replaced}
        yield from (part for part in found if part.path.name not in replaced)


def compact(lake: Path) -> Iterator[Compacted]:
    """Compacts every table and date of which there are `MANY_PARTS` small parts; yields what is done.

    Raises RunError when the lake is being read: what was yielded is done, the rest is for the next time.
    """
    finish(lake)
    for folder in sorted(folder for table in SIGNALS for folder in (lake / table).glob("event_date=*")):
        if len(_small(lake, folder)) >= MANY_PARTS:
            with _alone(lake, fcntl.LOCK_NB) as mark:
                mark.touch()
                _remove_replaced(folder)
                for group in _groups(_small(lake, folder)):
                    yield _compacted(folder.parent.name, group)
                mark.unlink()


def finish(lake: Path) -> None:
    """Removes what a compaction that was killed had replaced already, and what it had half written."""
    if _mark(lake).exists():
        with _alone(lake) as mark:
            for path in lake.glob(f"*/event_date=*/.{_COMPACTED}*{durable.TEMPORARY}"):
                path.unlink()
            for folder in lake.glob("*/event_date=*"):
                _remove_replaced(folder)
            mark.unlink(missing_ok=True)


@contextmanager
def reading(lake: Path) -> Iterator[None]:
    """Keeps parts where they are, once a compaction that is under way has ended. Without the right to write to the lake
    it is read as it is."""
    if not os.access(lake, os.W_OK):
        yield
        return
    finish(lake)
    with _lock_file(lake).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def as_units(lake: Path, unit_ids: Collection[str]) -> Iterator[Path]:
    """A lake with the parts that these units wrote, as before it was compacted: itself, or a copy while this lasts, in
    which parts of other units may be missing."""
    if not any(lake.glob(f"*/event_date=*/{_COMPACTED}*.parquet")):
        yield lake
        return
    with TemporaryDirectory(prefix="otelmart-units-") as name:
        folder = Path(name)
        for other in {path.name for path in lake.iterdir()} - set(SIGNALS):
            (folder / other).symlink_to((lake / other).resolve())
        for table in SIGNALS:
            for part in parts(lake, table):
                if any(stretch.unit_id in unit_ids for stretch in part.stretches):
                    _split(part, unit_ids, folder / table / part.path.parent.name)
        yield folder


def _split(part: Part, unit_ids: Collection[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not part.replaced:
        (folder / part.path.name).symlink_to(part.path.resolve())
        return
    with pq.ParquetFile(part.path) as file:
        batches, rows = file.iter_batches(), file.schema_arrow.empty_table()
        for stretch in part.stretches:
            while rows.num_rows < stretch.row_count:
                rows = pa.concat_tables([rows, pa.Table.from_batches([next(batches)])])
            if stretch.unit_id in unit_ids:
                pq.write_table(rows.slice(0, stretch.row_count), folder / stretch.name)
            rows = rows.slice(stretch.row_count)


def _compacted(table: str, paths: Sequence[Path]) -> Compacted:
    """Writes one part of several, then removes those."""
    own = [_part(path) for path in paths]
    stretches = [stretch for part in own for stretch in part.stretches]
    row_count = sum(stretch.row_count for stretch in stretches)
    replaced = sorted({path.name for path in paths} | {stretch.name for stretch in stretches})
    name = f"{_COMPACTED}{hashlib.sha256(json.dumps(replaced).encode()).hexdigest()[:20]}.parquet"
    path = paths[0].with_name(name)
    half_way, schema = durable.temporary(path), pq.read_schema(paths[0]).remove_metadata()
    with pq.ParquetWriter(half_way, schema, **writer_options(table, schema, row_count)) as writer:
        for rows in _buffered(paths):
            writer.write_table(rows)
        told = {"stretches": [asdict(stretch) for stretch in stretches], "replaced": replaced}
        writer.add_key_value_metadata({_FOOTER_KEY: json.dumps(told)})
    if pq.read_metadata(half_way).num_rows != row_count:
        raise RunError(f"{path} would not hold the {row_count:,} rows of its parts, which stay as they are")
    durable.publish({half_way: path})
    bytes_before = sum(each.stat().st_size for each in paths)
    for each in paths:
        each.unlink()
    return Compacted(path, len(paths), bytes_before, path.stat().st_size)


def _buffered(paths: Iterable[Path]) -> Iterator[pa.Table]:
    """Rows of parts that are alike, as many at once as a row group of a part has."""
    waiting: list[pa.RecordBatch] = []
    waiting_bytes = 0
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                waiting.append(batch)
                waiting_bytes += batch.nbytes
                if waiting_bytes >= BUFFER_BYTES:
                    yield pa.Table.from_batches(waiting)
                    waiting, waiting_bytes = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _groups(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Parts of the same columns, no more than make one of `PART_BYTES`; one alone stays as it is."""
    groups: dict[tuple[pa.Schema, int], list[Path]] = {}
    sizes: Counter[pa.Schema] = Counter()
    for path in paths:
        schema = pq.read_schema(path).remove_metadata()
        sizes[schema] += path.stat().st_size
        groups.setdefault((schema, sizes[schema] // PART_BYTES), []).append(path)
    yield from (group for group in groups.values() if len(group) > 1)


def _part(path: Path) -> Part:
    metadata = pq.read_metadata(path)
    told = (metadata.metadata or {}).get(_FOOTER_KEY.encode())
    if not told:
        return Part(path, (Stretch(path.name, metadata.num_rows),))
    footer: dict[str, Any] = json.loads(told)
    return Part(path, tuple(Stretch(**each) for each in footer["stretches"]), tuple(footer["replaced"]))


def _remove_replaced(folder: Path) -> None:
    """Removes what a compacted part holds: of a compaction that was killed, or of a unit that was loaded again."""
    for compacted in folder.glob(f"{_COMPACTED}*.parquet"):
        for name in _part(compacted).replaced:
            compacted.with_name(name).unlink(missing_ok=True)


def _small(lake: Path, folder: Path) -> list[Path]:
    """Small parts of a folder that the ledger knows, in the order of their names."""
    found = sorted(folder.glob("*.parquet"))
    return [path for path in found if path.stat().st_size < SMALL_BYTES and _is_committed(lake, path)]


def _is_committed(lake: Path, path: Path) -> bool:
    return path.name.startswith(_COMPACTED) or ledger_file(lake, Stretch(path.name, 0).unit_id).exists()


@contextmanager
def _alone(lake: Path, flags: int = 0) -> Iterator[Path]:
    with _lock_file(lake).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | flags)
        except BlockingIOError:
            raise RunError(f"{lake} is being read: run the same command again afterwards") from None
        yield _mark(lake)


def _lock_file(lake: Path) -> Path:
    (lake / "_plans").mkdir(exist_ok=True)
    return lake / "_plans" / "readers"


def _mark(lake: Path) -> Path:
    """There while parts are replaced."""
    return lake / "_plans" / "compacting"
