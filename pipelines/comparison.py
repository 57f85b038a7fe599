"""The comparison of filled.py as a step of a graph; counters and refusals are all that a runner gives back of it."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms.combiners import ToListCombineFn

from pipelines.dataset import Dataset
from pipelines.errors import RunError
from pipelines.fill import Job
from pipelines.filled import Compared, Filled, compare
from pipelines.graph import tell, told
from pipelines.payloads import SIGNALS
from pipelines.sinks.bigquery import bigquery

MESSAGES, PAYLOADS = "compared_messages", "compared_payloads"  # counters
ROWS = {table: f"compared_rows_of_{table}" for table in SIGNALS}


class Comparison(beam.PTransform[Any, Any]):
    """What became of each unit, when all are committed, against what BigQuery has."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, units: Any) -> Any:
        return (
            units
            | "Gather units" >> beam.CombineGlobally(ToListCombineFn())  # type: ignore[no-untyped-call]
            | "Compare units" >> beam.ParDo(CompareUnits(self._job))  # type: ignore[no-untyped-call]
        )


class CompareUnits(beam.DoFn):
    """All units as bytes → nothing: counts them, or tells what differs."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, units: Sequence[bytes]) -> None:
        try:
            found = compare([Filled.unpacked(each) for each in units], dataset_of(self._job))
        except RunError as error:
            tell(error)
            return
        counts = {MESSAGES: found.message_count, PAYLOADS: found.payload_count}
        counts |= {name: found.row_counts[table] for table, name in ROWS.items()}
        for name, count in counts.items():
            Metrics.counter("otelmart", name).inc(count)  # type: ignore[no-untyped-call]


def counted(result: PipelineResult) -> Compared:
    """What the step counted, of a pipeline that has run."""
    messages, payloads, *rows = (sum(told(result, name, "counters")) for name in (MESSAGES, PAYLOADS, *ROWS.values()))
    return Compared(messages, payloads, dict(zip(ROWS, rows, strict=True)))


def dataset_of(job: Job) -> Dataset:
    """The one that a job's sink names."""
    return Dataset(bigquery(job.sink.partition(":")[2]).dataset)
