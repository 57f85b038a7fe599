"""The bounded graph: planned units, spread over the workers, each loaded and committed by one step."""

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.allocator import tune_allocator
from pipelines.errors import RunError, refused
from pipelines.load import Job, load_unit
from pipelines.units import Unit, is_committed

REFUSALS = "refusals"


def load(units: Sequence[Unit], job: Job, beam_options: Sequence[str]) -> None:
    """Loads units on any Beam runner. Units already committed are left alone, so a retried bundle does no harm.

    Raises RunError with what a worker was refused (disk full, no permission); the other units are committed.
    """
    with beam.Pipeline(options=PipelineOptions(list(beam_options), save_main_session=False)) as pipeline:
        (
            pipeline
            | "Plan units" >> beam.Create(units)  # type: ignore[no-untyped-call]
            | "Spread units" >> beam.Reshuffle()  # type: ignore[no-untyped-call]
            | "Load units" >> beam.ParDo(LoadUnit(job))  # type: ignore[no-untyped-call]
        )
    told = pipeline.result.metrics().query(MetricsFilter().with_name(REFUSALS))["string_sets"]  # type: ignore[no-untyped-call]
    for refusal in sorted(text for metric in told for text in metric.result):
        raise RunError(refusal)
    if missing := [unit.unit_id for unit in units if not is_committed(job.lake, unit.unit_id)]:
        raise RunError(f"{len(missing)} of {len(units)} units were not committed: run the same command again")


class LoadUnit(beam.DoFn):
    """Read → decode → route → write → ledger, of one unit: see load.py."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        tune_allocator()

    def process(self, unit: Unit) -> None:
        try:
            load_unit(unit, self._job)
        except OSError as error:
            self._tell(refused(error))
        except RunError as error:
            self._tell(error)

    def _tell(self, error: RunError) -> None:
        """To the process that started the run: raised here, it would come out as a worker's traceback."""
        Metrics.string_set("otelmart", REFUSALS).add(str(error))  # type: ignore[no-untyped-call]
