"""A lake in Cloud Storage: the tables of a local lake, as objects below a prefix; Arrow rows go there, readers copy it.

A unit's parts bear the attempt that wrote them. Its ledger object is created only if there is none, which commits the
unit, and says which attempt that was: of two writers of one unit one wins, and readers take no part of another attempt,
so what was cut off between parts and ledger never shows.
"""

import fcntl
import re
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from pipelines.checks import Check
from pipelines.cloud_storage import AT_ONCE, WRITER, Object, Objects
from pipelines.errors import RunError
from pipelines.payloads import SIGNALS
from pipelines.sinks import RefusedRow
from pipelines.sinks.lake import BATCH_SECONDS, Parts, check_schema, payload_ids, write_file

PARTED: Final = (*SIGNALS, "dead_letters")
LEDGER, OUTSIDE_COUNTS = "ingest_ledger", "outside_counts"
ABANDONED = timedelta(days=1)  # far longer than from a unit's first part to its ledger entries
_ATTEMPT_CHARACTERS = 12
_PART = re.compile(rf"\w+/event_date=[\d-]+/\w+-[0-9a-f]{{{_ATTEMPT_CHARACTERS}}}(-\d+)?\.parquet", re.ASCII)


@dataclass(frozen=True, slots=True)
class BucketParts:
    """The parts of one unit, on this machine until they are whole."""

    bucket: Objects
    folder: Path
    attempt: str
    parts: Parts

    def add(self, table: str, day: date, rows: pa.RecordBatch) -> None:
        self.parts.add(table, day, rows)

    def publish(self) -> Collection[RefusedRow]:
        self.parts.publish()
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(self._put, self._files()))
        return ()

    def discard(self) -> None:
        self.parts.discard()
        self.remove()
        self.clear()

    def remove(self) -> None:
        """Objects that cannot be removed now are removed by `recover` of some later writer."""
        with suppress(RunError):
            self.bucket.remove([str(path.relative_to(self.folder)) for path in self._files()])

    def clear(self) -> None:
        """Lets this machine's copies go."""
        for path in self._files():
            path.unlink()

    def _put(self, path: Path) -> None:
        name = str(path.relative_to(self.folder))
        if not self.bucket.create(name, path, self.attempt):
            raise RunError(f"{self.bucket}/{name} is there already, and not from here: run the same command again")

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*/event_date=*/*-{self.attempt}*.parquet"))


class BucketLake:
    """A lake in a bucket as a sink. A unit that is named after what it holds is committed once, whoever does it."""

    def __init__(self, bucket: Objects) -> None:
        self.bucket = bucket
        self._staging: tempfile.TemporaryDirectory[str] | None = None
        self._begun: BucketParts | None = None

    @property
    def batch_seconds(self) -> float:
        return BATCH_SECONDS

    def checks(self) -> Iterator[Check]:
        yield Check(f"lake {self.bucket}", self._permitted)
        yield Check(f"the columns of {self.bucket}", self._fit)

    def claim(self, writer_id: str) -> None:
        """Nothing: what a killed writer left is told by its age."""

    def recover(self) -> None:
        """Only of what is named like a part of a unit; a unit whose ledger entry names no attempt, as one that was
        copied without its metadata, loses nothing."""
        committed = attempts(self.bucket)
        before = datetime.now(UTC) - ABANDONED
        for table in PARTED:
            old = (each for each in self.bucket.listed(f"{table}/") if each.time < before)
            self.bucket.remove([each.name for each in old if _is_abandoned(each, committed)])

    def begin(self, unit_id: str) -> BucketParts:
        attempt = secrets.token_hex(_ATTEMPT_CHARACTERS // 2)
        parts = Parts(self._folder, f"{unit_id}-{attempt}")
        self._begun = BucketParts(self.bucket, self._folder, attempt, parts)
        return self._begun

    def commit(self, unit_id: str, entries: pa.Table) -> None:
        """Writes the unit's ledger entries if it has none; else the parts of this attempt are removed again."""
        parts, self._begun = self._begun, None
        assert parts
        path = self._folder / _ledger(unit_id)
        write_file(path, entries, LEDGER)
        if not self.bucket.create(_ledger(unit_id), path, parts.attempt):
            parts.remove()
        parts.clear()
        path.unlink()

    def known_payload_ids(self, since: date) -> Collection[str]:
        start = datetime.combine(since, time(), UTC)
        found = [each for each in self.bucket.listed(f"{LEDGER}/") if each.time >= start]
        found.sort(key=lambda each: (each.time, each.name))
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return dict.fromkeys(payload_id for ids in pool.map(self._payload_ids, found) for payload_id in ids)

    def left_out(self) -> Mapping[str, int]:
        return {}  # a file holds what schemas/ say

    def close(self) -> None:
        if self._staging:
            self._staging.cleanup()
            self._staging = None

    @property
    def _folder(self) -> Path:
        if self._staging is None:
            self._staging = tempfile.TemporaryDirectory(prefix="otelmart-lake-")
        return Path(self._staging.name)

    def _payload_ids(self, entries: Object) -> list[str]:
        return payload_ids(pa.BufferReader(self.bucket.content(entries.name)))

    def _permitted(self) -> str:
        if lacking := replace(self.bucket, is_awaited=True).lacking_permissions():
            raise RunError(f"{self.bucket} lacks {', '.join(lacking)}: grant {WRITER} on the bucket to this account")
        return ""

    def _fit(self) -> str:
        """A part of each table is looked at: one release writes all of them alike."""
        bucket = replace(self.bucket, is_awaited=True)
        with tempfile.TemporaryDirectory(prefix="otelmart-lake-") as folder:
            for table in (*PARTED, LEDGER):
                bucket.fetch(bucket.listed(f"{table}/", 1), Path(folder))
            check_schema(Path(folder))
        return ""


def attempts(bucket: Objects) -> dict[str, str]:
    """{unit: the attempt that committed it}."""
    return {_stem(each.name): each.attempt for each in bucket.listed(f"{LEDGER}/")}


def copy(bucket: Objects, folder: Path, is_wanted: Callable[[str], bool], parted: Sequence[str] = PARTED) -> None:
    """Brings a folder to what the lake's ledger says of wanted units now, as a local lake; what it has stays.

    The ledger is listed first and arrives last: whatever it names is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = [each for each in bucket.listed(f"{LEDGER}/") if is_wanted(_stem(each.name))]
        committed = {_stem(each.name): each.attempt for each in entries}
        wanted = [each for table in parted for each in bucket.listed(f"{table}/") if _is_of(each, committed)]
        wanted += [*bucket.listed(f"{OUTSIDE_COUNTS}/"), *entries]
        held = [path for table in (*parted, LEDGER, OUTSIDE_COUNTS) for path in (folder / table).rglob("*.parquet")]
        there = {str(path.relative_to(folder)): path for path in held}
        for name in sorted(there.keys() - {each.name for each in wanted}):
            there.pop(name).unlink()
        absent = [each for each in wanted if each.name not in there or not _is_same(each, there[each.name])]
        bucket.fetch((each for each in absent if not each.name.startswith(LEDGER)), folder)
        bucket.fetch((each for each in absent if each.name.startswith(LEDGER)), folder)


def put_counts(bucket: Objects, folder: Path) -> None:
    """Puts outside counts of a local lake into the bucket; their names come of what they hold."""
    for path in sorted((folder / OUTSIDE_COUNTS).glob("*.parquet")):
        bucket.create(str(path.relative_to(folder)), path, "")


def _is_of(part: Object, committed: Mapping[str, str]) -> bool:
    unit_id, _, rest = _stem(part.name).partition("-")
    return committed.get(unit_id) == rest[:_ATTEMPT_CHARACTERS]


def _is_abandoned(part: Object, committed: Mapping[str, str]) -> bool:
    unit_id = _stem(part.name).partition("-")[0]
    is_told = committed.get(unit_id, "none") != ""
    return bool(_PART.fullmatch(part.name)) and is_told and not _is_of(part, committed)


def _is_same(found: Object, path: Path) -> bool:
    """Objects never change; one that was removed and written again has another time."""
    there = path.stat()
    return there.st_size == found.byte_count and abs(there.st_mtime - found.time.timestamp()) < 0.001


def _ledger(unit_id: str) -> str:
    return f"{LEDGER}/{unit_id}.parquet"


def _stem(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".parquet")
