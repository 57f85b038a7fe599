"""The options of the streaming job → its settings and its run. deploy/dataflow/metadata.json has the same."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipelines.errors import RunError, UsageError
from pipelines.secret import VERSION
from pipelines.sinks.uris import opened
from pipelines.sources.pubsub import subscription_of
from pipelines.streaming import Settings, stream


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Without `default` it must be given; `lowest` and `highest` bound a number."""

    name: str
    label: str
    help: str
    pattern: str
    default: str | None = None
    lowest: float = 0
    highest: float = 0
    is_shown: bool = True  # in an error; what is given by mistake may be a secret

    @property
    def is_optional(self) -> bool:
        return self.default is not None


_NUMBER = "[1-9][0-9]*"
OPTIONS: Final = (
    Option(
        "otlp_subscription",
        "Pub/Sub subscription",
        "Subscription to read OTLP from: projects/PROJECT/subscriptions/NAME.",
        r"projects/[a-z][-a-z0-9:.]{4,61}[a-z0-9]/subscriptions/[^/\s]+",  # Beam wants a project of 6 to 63 letters
    ),
    Option(
        "sink",
        "BigQuery dataset",
        "Where rows go: bigquery:PROJECT.DATASET shows a batch table by table, whole; with ?stream=default rows show "
        "at once, and more cheaply.",
        r"bigquery:(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]\.[A-Za-z0-9_]+(?:\?stream=(?:pending|default))?",
    ),
    Option(
        "privacy_key",
        "Key of the pseudonyms",
        "Version in Secret Manager of the key that pseudonyms are made with, by its number: "
        "secret:projects/PROJECT/secrets/NAME/versions/1. The worker needs the same key.",
        f"secret:{VERSION}",
        is_shown=False,
    ),
    Option(
        "batch_bytes",
        "Bytes of a batch",
        "Bytes of messages as sent that a batch may have, 1048576 to 33554432; a larger message is a batch of its own.",
        _NUMBER,
        "8388608",
        1 << 20,
        32 << 20,
    ),
    Option(
        "batch_seconds",
        "Seconds of a batch",
        "Longest wait for a batch in seconds, 1 to 600; 0 is the sink's own: 10, or 1 with ?stream=default.",
        "[0-9]+",
        "0",
        0,
        600,
    ),
    Option(
        "shard_count",
        "Shards",
        "Batches that are gathered and committed side by side, 1 to 64. With 64, pending streams of four tables every "
        "10 s are some 26 a second, and BigQuery slows down above 40.",
        _NUMBER,
        "16",
        1,
        64,
    ),
    Option(
        "max_message_bytes",
        "Bytes of a message",
        "Largest message in bytes, uncompressed, up to 268435456; a larger one becomes a dead letter.",
        _NUMBER,
        "67108864",
        1,
        256 << 20,
    ),
)


class StreamingOptions(PipelineOptions):
    """OPTIONS as Beam's options. None is required here, where any pipeline of the process would have to give it."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for option in OPTIONS:
            parser.add_argument(f"--{option.name}", default=option.default, help=option.help)


def settings_of(options: PipelineOptions) -> Settings:
    """The settings that options name. Raises UsageError."""
    given = options.view_as(StreamingOptions)
    texts = {option.name: _checked(option, getattr(given, option.name)) for option in OPTIONS}
    subscription = subscription_of(texts["otlp_subscription"])
    own_seconds = opened(texts["sink"]).batch_seconds
    return Settings(
        subscription=subscription,
        sink=texts["sink"],
        privacy_key=texts["privacy_key"],
        shard_count=int(texts["shard_count"]),
        batch_bytes=int(texts["batch_bytes"]),
        batch_seconds=float(texts["batch_seconds"]) or own_seconds,
        message_bytes=int(texts["max_message_bytes"]),
    )


def _checked(option: Option, text: str | None) -> str:
    if text is None:
        raise UsageError(f"--{option.name} is missing. {option.help}")
    is_fit = re.fullmatch(option.pattern, text, re.ASCII)
    if not is_fit or (option.highest and not option.lowest <= int(text) <= option.highest):
        raise UsageError(f"--{option.name}{f' {text!r}' if option.is_shown else ''} does not fit. {option.help}")
    return text


def pipeline_of(arguments: Sequence[str]) -> beam.Pipeline:
    """The pipeline that arguments describe, to be run. Raises UsageError."""
    options = PipelineOptions(list(arguments), save_main_session=False)
    settings = settings_of(options)
    options.view_as(StandardOptions).streaming = True
    pipeline = beam.Pipeline(options=options)
    stream(pipeline, settings)
    return pipeline


def main(arguments: Sequence[str] | None = None) -> None:
    """Starts the job, and leaves it running. Exits with 2 on misuse, 1 when something is refused, in one line."""
    _said(lambda: pipeline_of(sys.argv[1:] if arguments is None else arguments).run())


def _said(run: Callable[[], Any]) -> None:
    try:
        run()
    except (UsageError, RunError) as error:
        print(f"otelmart dataflow: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
