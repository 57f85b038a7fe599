"""The bounded graph: planned units, spread over the workers, each loaded and committed by one step."""

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.allocator import tune_allocator
from pipelines.load import Job, load_unit
from pipelines.units import Unit


def load(units: Sequence[Unit], job: Job, beam_options: Sequence[str]) -> None:
    """Loads units on any Beam runner. Units already committed are left alone, so a retried bundle does no harm."""
    with beam.Pipeline(options=PipelineOptions(list(beam_options), save_main_session=False)) as pipeline:
        (
            pipeline
            | "Plan units" >> beam.Create(units)  # type: ignore[no-untyped-call]
            | "Spread units" >> beam.Reshuffle()  # type: ignore[no-untyped-call]
            | "Load units" >> beam.ParDo(LoadUnit(job))  # type: ignore[no-untyped-call]
        )


class LoadUnit(beam.DoFn):
    """Read → decode → route → write → ledger, of one unit: see load.py."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        tune_allocator()

    def process(self, unit: Unit) -> None:
        load_unit(unit, self._job)
