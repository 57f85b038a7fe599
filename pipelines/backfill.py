"""A source's files → BigQuery, once, on any Beam runner: plan units → spread → read, decode, write, ledger.

No plan is kept: a payload that the ledger accounts for is left out, so the same command again adds nothing, and what a
killed run began is finished. What was decoded is then compared with what BigQuery has of it (filled.py), and `proofs`
asks BigQuery whether every payload of the ledger has its rows.
`add_graph` is the whole of it as a graph, listing and proof included, for a job that nobody waits for: the batch Flex
Template's.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.transforms.combiners import ToListCombineFn
from apache_beam.utils.shared import Shared

from pipelines import fill
from pipelines.allocator import tune_allocator
from pipelines.comparison import Comparison, counted, dataset_of
from pipelines.dataset import Dataset
from pipelines.errors import RunError, refused
from pipelines.fill import Job, received
from pipelines.filled import Compared, Filled, compare
from pipelines.graph import each_unit, tell
from pipelines.payloads import SIGNALS
from pipelines.reconciliation import KEPT_ROWS, NUMBERED
from pipelines.sinks.uris import opened
from pipelines.sources import uris
from pipelines.sources.contents import File
from pipelines.tables import partition_column
from pipelines.units import Unit, decoded, encoded, grouped

UNIT_BYTES = 8 << 20  # as they lie there; a unit's rows are held until it is whole, some twenty times that


@dataclass(frozen=True, slots=True)
class Proof:
    """Of one table: payloads of the ledger, the rows that it says were written, and how many payloads lack some."""

    table: str
    payload_count: int
    row_count: int
    lacking_count: int


def units(files: Sequence[File], first: date, last: date) -> list[Unit]:
    """Units of the files that were received on these UTC dates."""
    chosen = [file for file in files if first <= received(file) <= last]
    return grouped(chosen, UNIT_BYTES)


def run(planned: Sequence[Unit], job: Job, beam_options: Sequence[str] | None) -> Compared | None:
    """Commits units on a Beam runner, or with None in this process; if the job says so, compares what BigQuery then has
    with what was decoded. Raises RunError with what was refused, or what differs."""
    if beam_options is None:
        found = fill.run(planned, job)
        return compare(found, dataset_of(job)) if job.is_compared else None
    result = each_unit(planned, FillUnit(job), beam_options, Comparison(job) if job.is_compared else None)
    return counted(result) if job.is_compared else None


class FillUnit(beam.DoFn):
    """Read → decode → route → write → ledger, of one unit, without the payloads that the ledger has.

    Those are read once a process, whose threads share them.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._known = Shared()  # type: ignore[no-untyped-call]

    def setup(self) -> None:
        tune_allocator()
        self._fill: fill.Fill | None = None

    def process(self, unit: Unit) -> Iterator[bytes]:
        try:
            yield self.commit(unit).packed()
        except OSError as error:
            tell(refused(error))
        except RunError as error:
            tell(error)

    def commit(self, unit: Unit) -> Filled:
        """Raises RunError or OSError: nothing of the unit is in the ledger."""
        if self._fill is None:  # opened for the first unit, so that what is refused then is told as of any unit
            sink = opened(self._job.sink)
            self._fill = fill.Fill(self._job, sink, self._known.acquire(lambda: fill.known(sink, self._job)))
        return self._fill.commit(unit)

    def teardown(self) -> None:
        if self._fill:
            self._fill.close()


@dataclass(frozen=True, slots=True)
class Filling:
    """What the graph is told: the files of a source that were received on these UTC dates, and what becomes of each."""

    source: str
    first: date
    last: date
    job: Job


def add_graph(pipeline: beam.Pipeline, filling: Filling) -> None:
    """Adds the whole graph to a pipeline. What is refused raises, so the runner tries it again, and then the job fails;
    it fails, too, where nothing was received or BigQuery lacks rows."""
    (
        pipeline
        | "Name source" >> beam.Create([filling.source.encode()])  # type: ignore[no-untyped-call]
        | "List units" >> beam.ParDo(ListUnits(filling)).with_output_types(bytes)  # type: ignore[no-untyped-call]
        | "Spread units" >> beam.Reshuffle()  # type: ignore[no-untyped-call]
        | "Load units" >> beam.ParDo(LoadUnits(filling.job)).with_output_types(bytes)  # type: ignore[no-untyped-call]
        | "Gather units" >> beam.CombineGlobally(ToListCombineFn())  # type: ignore[no-untyped-call]
        | "Prove payloads" >> beam.ParDo(ProvePayloads(filling)).with_output_types(int)  # type: ignore[no-untyped-call]
    )


class ListUnits(beam.DoFn):
    """A source's URI → its units, each as bytes: file names, not files."""

    def __init__(self, filling: Filling) -> None:
        self._filling = filling

    def process(self, source: bytes) -> Iterator[bytes]:
        with tempfile.TemporaryDirectory(prefix="otelmart-") as notes:
            files = uris.listing(source.decode(), Path(notes)).files
        for unit in units(files, self._filling.first, self._filling.last):
            yield encoded([unit])


class LoadUnits(beam.DoFn):
    """Units as bytes → what became of each, committed, as bytes. Raises RunError or OSError: it is tried again."""

    def __init__(self, job: Job) -> None:
        self._fill = FillUnit(job)

    def setup(self) -> None:
        self._fill.setup()

    def process(self, packed: bytes) -> Iterator[bytes]:
        for unit in decoded(packed):
            yield self._fill.commit(unit).packed()

    def teardown(self) -> None:
        self._fill.teardown()


class ProvePayloads(beam.DoFn):
    """All units, when they are committed → payloads that BigQuery has whole. Raises RunError if one is not, or if what
    was decoded now is not there as it was."""

    def __init__(self, filling: Filling) -> None:
        self._filling = filling

    def process(self, units: Sequence[bytes]) -> Iterator[int]:
        filling = self._filling
        if not units:
            raise RunError(f"{filling.source} received nothing on these dates")
        last = min(filling.last, datetime.now(UTC).date() + timedelta(days=1))
        dataset = dataset_of(filling.job)
        compare([Filled.unpacked(each) for each in units], dataset)
        found = proofs(dataset, filling.job.since, last)
        for proof in found:
            for name in ("payload_count", "row_count", "lacking_count"):
                Metrics.counter("otelmart", f"{proof.table}_{name}").inc(getattr(proof, name))  # type: ignore[no-untyped-call]
        if lacking := sum(proof.lacking_count for proof in found):
            raise RunError(
                f"{lacking:,} payloads of the ledger lack rows in BigQuery: were rows or partitions deleted?"
            )
        yield sum(proof.payload_count for proof in found)


def proofs(dataset: Dataset, first: date, last: date) -> list[Proof]:
    """For each table, the ledger's entries of what was received on these UTC dates, against the rows that are there."""
    return [
        Proof(table, **counts) for table in SIGNALS for counts in dataset.rows(proof(dataset.place, table, first, last))
    ]


def proof(dataset: str, table: str, first: date, last: date) -> str:
    """GoogleSQL of one proof. A payload's rows are counted by their place in it: one that was written twice, once."""
    column = partition_column(table)
    start = datetime.combine(first, time(), UTC).isoformat()
    end = datetime.combine(last + timedelta(days=1), time(), UTC).isoformat()
    return f"""
with said as (
  select
    payload_id,
    event_date,
    {KEPT_ROWS} as row_count
  from {NUMBERED.format(f"`{dataset}.ingest_ledger`")} as entries
  where event_date >= '1970-01-01' and table_name = '{table}'
    and receive_time >= timestamp '{start}' and receive_time < timestamp '{end}'
  group by payload_id, event_date
),
there as (
  select payload_id, date({column}) as event_date, count(distinct row_ordinal) as row_count
  from `{dataset}.{table}`
  where date({column}) >= '1970-01-01' and payload_id in (select payload_id from said)
  group by payload_id, date({column})
)
select
  count(distinct said.payload_id) as payload_count,
  coalesce(sum(said.row_count), 0) as row_count,
  count(distinct case when coalesce(there.row_count, 0) != said.row_count then said.payload_id end) as lacking_count
from said left join there on there.payload_id = said.payload_id and there.event_date = said.event_date"""
