"""The batch job's options as its settings and its run. deploy/dataflow/batch/metadata.json has the same."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from typing import Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.backfill import Filling, add_graph
from pipelines.dates import dates
from pipelines.errors import UsageError
from pipelines.fill import Job, known_since
from pipelines.sources import gcs
from pipelines.sources.compression import Limits
from pipelines.template_options import MESSAGE_BYTES, PRIVACY_KEY, SINK, Option, add, said, texts

_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
OPTIONS: Final = (
    Option(
        "otlp_source",
        "Objects in Cloud Storage",
        "Objects to read OTLP from: gs://BUCKET/PREFIX, or a pattern of names.",
        r"gs://[a-z0-9][a-z0-9._-]*(?:/[^,]*)?",
    ),
    SINK,
    PRIVACY_KEY,
    Option(
        "dates",
        "Dates of receipt",
        "UTC dates on which objects were received: 2026-11-01, or 2026-11-01..2026-11-30; all where there are none.",
        rf"(?:{_DATE}(?:\.\.{_DATE})?)?",
        "",
    ),
    MESSAGE_BYTES,
)
OWN: Final = tuple(option for option in OPTIONS if option not in (SINK, PRIVACY_KEY, MESSAGE_BYTES))


class BackfillOptions(PipelineOptions):
    """What only this job is told."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        add(parser, OWN)


def filling_of(options: PipelineOptions) -> Filling:
    """What options name. Raises UsageError."""
    told = texts(options, OPTIONS)
    try:
        first, last = dates(told["dates"]) if told["dates"] else (date.min, date.max)
    except ValueError as error:
        raise UsageError(f"--dates {error}") from None
    place = gcs.bucket(told["otlp_source"].removeprefix("gs:"))
    limits = Limits(int(told["max_message_bytes"]))
    job = Job(place, told["sink"], told["privacy_key"], limits, known_since(first), is_compared=True)
    return Filling(told["otlp_source"], first, last, job)


def pipeline_of(arguments: Sequence[str]) -> beam.Pipeline:
    """The pipeline that arguments describe, to be run. Raises UsageError."""
    options = PipelineOptions(list(arguments), save_main_session=False)
    filling = filling_of(options)
    pipeline = beam.Pipeline(options=options)
    add_graph(pipeline, filling)
    return pipeline


def main(arguments: Sequence[str] | None = None) -> None:
    """Starts the job, and leaves it: it proves itself. Exits with 2 on misuse, 1 when something is refused."""
    said(lambda: pipeline_of(sys.argv[1:] if arguments is None else arguments).run())
