"""Arrow rows → tables of a BigQuery dataset.

By default a unit's rows go to PENDING streams, one a table, which are committed table after table: of each table all
rows of the unit show or none, and one that was cut short may show in some tables only. With `?stream=default` rows show
as they come, sooner, and a retry may write some twice. The ledger entries come last in both, so a unit that was cut
short is not in the ledger and is delivered again; staging removes what that writes twice.
Columns that a table lacks of schemas/ are left out and counted; it need not be restarted when they are added.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

import pyarrow as pa

from pipelines import tables
from pipelines.checks import Check
from pipelines.errors import RunError, UsageError
from pipelines.payloads import SIGNALS
from pipelines.sinks import RefusedRow
from pipelines.sinks.storage_columns import left_out
from pipelines.sinks.storage_read import payload_ids, try_to_read
from pipelines.sinks.storage_write import Refused, StorageWrite, storage_write

EXAMPLE: Final = "bigquery:PROJECT.DATASET"
WRITTEN: Final = (*SIGNALS, "dead_letters", "ingest_ledger")
BATCH_SECONDS = {"pending": 10.0, "default": 1.0}  # BigQuery slows down when many streams are made
CHECK_SECONDS = 4.0  # someone waits for the answer
LATE_DAYS = 30  # copies of telemetry that was older when it came are written again, and removed by staging
_PLACE = re.compile(
    r"(?P<dataset>(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]\.\w+)(?:\?stream=(?P<stream>pending|default))?", re.ASCII
)
_TYPES = {"INT64": "INT64", "FLOAT64": "DOUBLE", "RECORD": "STRUCT"}  # of schemas/ → of the Storage API


@dataclass(slots=True)
class Rows:
    """The rows of one unit, held until it is whole: a batch of the worker, some five times what it unfolds to."""

    write: StorageWrite
    has_pending_streams: bool
    left_out: Counter[str]
    batches: dict[str, list[pa.RecordBatch]] = field(default_factory=dict)

    def add(self, table: str, day: date, rows: pa.RecordBatch) -> None:
        self.batches.setdefault(table, []).append(rows)

    def publish(self) -> Collection[RefusedRow]:
        refused: list[RefusedRow] = []
        streams: dict[str, str] = {}
        for table, batches in self.batches.items():
            try:
                if self.has_pending_streams:
                    streams[table] = self.write.pending(table, batches)
                else:
                    self.write.append(table, batches)
            except Refused as error:
                refused += error.rows
        if not refused:
            for table, stream in streams.items():
                self.write.commit(table, stream)
            for table, batches in self.batches.items():
                self.left_out.update(left_out(table, batches, self.write.lacking.of(table)))
        return refused

    def discard(self) -> None:
        """Streams that were not committed vanish by themselves."""
        self.batches.clear()


class BigQuery:
    """A dataset as the sink of a worker. What a killed process left shows nowhere, so nothing is claimed or removed."""

    def __init__(self, dataset: str, stream: str) -> None:
        self.dataset, self._stream = dataset, stream
        self._opened: StorageWrite | None = None
        self._left_out = Counter[str]()

    @property
    def batch_seconds(self) -> float:
        return BATCH_SECONDS[self._stream]

    def checks(self) -> Iterator[Check]:
        for table in WRITTEN:
            yield Check(f"table {self.dataset}.{table}", partial(self._fit, table))
        yield Check("the ledger can be read", self._readable)

    def claim(self, writer_id: str) -> None:
        pass

    def recover(self) -> None:
        pass

    def begin(self, unit_id: str) -> Rows:
        return Rows(self._write, self._stream == "pending", self._left_out)

    def commit(self, unit_id: str, entries: pa.Table) -> None:
        place = entries.schema.get_field_index("commit_time")
        now = pa.repeat(pa.scalar(datetime.now(UTC), entries.schema.field(place).type), entries.num_rows)
        rows = self.begin(unit_id)
        rows.batches["ingest_ledger"] = entries.set_column(place, entries.schema.field(place), now).to_batches()
        rows.publish()

    def known_payload_ids(self, since: date) -> Collection[str]:
        return payload_ids(self.dataset, _received(since))

    def left_out(self) -> Counter[str]:
        found = Counter(self._left_out)
        self._left_out.clear()
        return found

    def close(self) -> None:
        if self._opened:
            self._opened.close()
            self._opened = None

    def _fit(self, table: str) -> str:
        there = replace(self._write, call_seconds=CHECK_SECONDS, give_up_seconds=CHECK_SECONDS).columns(table)
        if not there:
            return "its columns were not told"  # an emulator need not
        return check_columns(f"{self.dataset}.{table}", table, there)

    def _readable(self) -> str:
        try_to_read(self.dataset, _received(datetime.now(UTC).date()), CHECK_SECONDS)
        return ""

    @property
    def _write(self) -> StorageWrite:
        if self._opened is None:
            self._opened = storage_write(self.dataset)
        return self._opened


def bigquery(place: str) -> BigQuery:
    """The sink that `bigquery:PLACE` names. Raises UsageError."""
    found = _PLACE.fullmatch(place)
    if not found:
        raise UsageError(f"bigquery:{place} is no sink: write {EXAMPLE}, or {EXAMPLE}?stream=default")
    return BigQuery(found["dataset"], found["stream"] or "pending")


def _received(since: date) -> str:
    return f"event_date >= '{since - timedelta(days=LATE_DAYS)}' and receive_time >= '{since} 00:00:00+00'"


def check_columns(where: str, table: str, there: dict[str, tuple[str, str]]) -> str:
    """What a table lacks of schemas/, if that can be left out; columns that it has beyond them stay NULL.

    Raises RunError when it cannot hold the rows.
    """
    said = f"schemas/{table}.json"
    cure = "otelmart init --dry-run --to bigquery:PROJECT.DATASET shows what differs"
    wanted = {column["name"]: column for column in tables.table(table)["schema"]["fields"]}
    for name in wanted.keys() & there.keys():
        (kind, mode), column = there[name], wanted[name]
        want = _TYPES.get(column["type"], column["type"])
        if kind != want or (mode == "REPEATED") != (column["mode"] == "REPEATED"):
            raise RunError(f"{where}.{name} is {mode} {kind}, but {column['mode']} {want} in {said}: {cure}")
    if strict := [name for name, (_, mode) in there.items() if mode == "REQUIRED" and name not in wanted]:
        raise RunError(f"{where} wants {', '.join(strict)} in every row, which {said} does not have: {cure}")
    missing = [name for name in wanted if name not in there]
    if vital := [name for name in missing if wanted[name]["mode"] == "REQUIRED"]:
        raise RunError(f"{where} has no {', '.join(vital)}, which every row needs: {cure}")
    added = "are left out until otelmart init --to bigquery:PROJECT.DATASET adds them"
    return f"{where} has no {', '.join(missing)}: values {added}" if missing else ""
