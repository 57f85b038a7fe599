"""A source's files → a sink, once, without a plan: read → decode → write → ledger, of what its ledger does not have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipelines.allocator import tune_allocator
from pipelines.decode.rules import Rules
from pipelines.filled import Filled, Noted
from pipelines.payloads import Payload, Unreadable
from pipelines.secret import secret
from pipelines.sinks import Sink
from pipelines.sinks.uris import opened
from pipelines.sources import contents
from pipelines.sources.compression import Limits
from pipelines.sources.contents import File, Place
from pipelines.units import Unit
from pipelines.worker import batch

KEPT_DAYS = 31  # Pub/Sub keeps a message at most so long, and an archive of it is younger than what is in it
EARLIEST = date(1970, 3, 1)


@dataclass(frozen=True, slots=True)
class Job:
    """What every unit has in common. `privacy_key` says where the key is; payloads received from `since` (UTC) on, and
    accounted for by the ledger, are left out. With `is_compared`, what is decoded is counted: see filled.py."""

    place: Place
    sink: str
    privacy_key: str
    limits: Limits
    since: date
    is_compared: bool = False


class Fill:
    """One worker's edges, opened when it is made. Raises RunError or OSError, also from `commit`."""

    def __init__(self, job: Job, sink: Sink, known: batch.Known) -> None:
        self._job, self._sink, self._known = job, sink, known
        self._rules = Rules.load(secret(job.privacy_key))

    def commit(self, unit: Unit) -> Filled:
        """When this raises, nothing of the unit is in the ledger."""
        found = Found(self._job.place, unit.files, self._job.limits)
        noted = Noted(self._sink)
        sink = noted if self._job.is_compared else self._sink
        done = batch.commit(unit.unit_id, found, sink, self._rules, self._known, "batch")
        return Filled(unit.unit_id, len(unit.files), done.copy_count, noted.payloads, noted.sums())

    def close(self) -> None:
        self._sink.close()


@dataclass(frozen=True, slots=True)
class Found:
    """Files as payloads, read as they are asked for, as often as they are asked for."""

    place: Place
    files: Sequence[File]
    limits: Limits

    def __iter__(self) -> Iterator[Payload | Unreadable]:
        return contents.payloads(self.place, self.files, self.limits)


def run(planned: Sequence[Unit], job: Job) -> list[Filled]:
    """Commits units in this process."""
    tune_allocator()
    sink = opened(job.sink)
    fill = Fill(job, sink, known(sink, job))
    try:
        return [fill.commit(unit) for unit in planned]
    finally:
        fill.close()


def known(sink: Sink, job: Job) -> batch.Known:
    """What the ledger accounts for."""
    return batch.Known(sink.known_payload_ids(job.since), limit=None)


def known_since(first: date) -> date:
    """From when on the ledger may have payloads of files that were received from `first` on."""
    today = datetime.now(UTC).date()  # a file's time may be wrong
    return max(EARLIEST, min(first, today)) - timedelta(days=KEPT_DAYS)


def received(file: File) -> date:
    """UTC date of the receive time."""
    return datetime.fromtimestamp(file.receive_time_us / 1e6, UTC).date()
