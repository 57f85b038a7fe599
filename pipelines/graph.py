"""The bounded graph: planned units, spread over the workers, each loaded and committed by one step."""

import logging
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from pipelines.allocator import tune_allocator
from pipelines.errors import RunError, refused
from pipelines.load import Job, load_unit
from pipelines.units import Unit, is_committed

REFUSALS = "refusals"  # their texts, which Dataflow does not give back; REFUSED counts them, and it does
REFUSED = "refused_units"
_log = logging.getLogger(__name__)


def load(units: Sequence[Unit], job: Job, beam_options: Sequence[str]) -> None:
    """Loads units on any Beam runner. Units already committed are left alone, so a retried bundle does no harm.

    Raises RunError with what a worker was refused (disk full, no permission); the other units are committed.
    """
    each_unit(units, LoadUnit(job), beam_options)
    if missing := [unit.unit_id for unit in units if not is_committed(job.lake, unit.unit_id)]:
        cure = "see the workers' logs, and run the same command again"
        raise RunError(f"{len(missing)} of {len(units)} units were not committed: {cure}")


def each_unit(
    units: Sequence[Unit],
    function: beam.DoFn,
    beam_options: Sequence[str],
    after: "beam.PTransform[Any, Any] | None" = None,
) -> PipelineResult:
    """Gives each unit to a DoFn somewhere, and what that yields to `after`. Raises RunError with what they were
    refused, by `tell`."""
    pipeline = beam.Pipeline(options=PipelineOptions(list(beam_options), save_main_session=False))
    done = (
        pipeline
        | "Plan units" >> beam.Create(units)  # type: ignore[no-untyped-call]
        | "Spread units" >> beam.Reshuffle()  # type: ignore[no-untyped-call]
        | "Load units" >> beam.ParDo(function)  # type: ignore[no-untyped-call]
    )
    if after is not None:
        done | after
    _run(pipeline)
    for refusal in sorted(text for texts in told(pipeline.result, REFUSALS, "string_sets") for text in texts):
        raise RunError(refusal)
    if refused_count := sum(told(pipeline.result, REFUSED, "counters")):
        raise RunError(f"{refused_count} units were refused: see the workers' logs, and run the same command again")
    return pipeline.result


def _run(pipeline: beam.Pipeline) -> None:
    try:
        with pipeline:
            pass
    except RuntimeError as error:
        if str(error).startswith("KeyboardInterrupt"):  # Beam makes what a step raises one of its own
            raise KeyboardInterrupt from None
        raise


def told(result: PipelineResult, name: str, kind: str) -> list[Any]:
    """Values of a metric; none where the runner has no metrics (Dask), then refusals are in the workers' logs only."""
    try:
        found = result.metrics().query(MetricsFilter().with_name(name))[kind]  # type: ignore[no-untyped-call]
    except NotImplementedError:
        return []
    return [metric.result for metric in found]


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
            tell(refused(error))
        except RunError as error:
            tell(error)


def tell(error: RunError) -> None:
    """Says a refusal to the process that started the run: raised, it would come out as a worker's traceback."""
    _log.error("%s", error)
    Metrics.counter("otelmart", REFUSED).inc()  # type: ignore[no-untyped-call]
    Metrics.string_set("otelmart", REFUSALS).add(str(error))  # type: ignore[no-untyped-call]
