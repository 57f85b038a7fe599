"""The options of the streaming job → its settings and its run. deploy/dataflow/streaming/metadata.json has the same."""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipelines.sinks.uris import opened
from pipelines.sources.pubsub import subscription_of
from pipelines.streaming import Settings, stream
from pipelines.template_options import MESSAGE_BYTES, NUMBER, PRIVACY_KEY, SINK, Option, add, said, texts

OPTIONS: Final = (
    Option(
        "otlp_subscription",
        "Pub/Sub subscription",
        "Subscription to read OTLP from: projects/PROJECT/subscriptions/NAME.",
        r"projects/[a-z][-a-z0-9:.]{4,61}[a-z0-9]/subscriptions/[^/\s]+",  # Beam wants a project of 6 to 63 letters
    ),
    SINK,
    PRIVACY_KEY,
    Option(
        "batch_bytes",
        "Bytes of a batch",
        "Bytes of messages as sent that a batch may have, 1048576 to 33554432; a larger message is a batch of its own.",
        NUMBER,
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
        NUMBER,
        "16",
        1,
        64,
    ),
    MESSAGE_BYTES,
)
OWN: Final = tuple(option for option in OPTIONS if option not in (SINK, PRIVACY_KEY, MESSAGE_BYTES))


class StreamingOptions(PipelineOptions):
    """What only this job is told."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        add(parser, OWN)


def settings_of(options: PipelineOptions) -> Settings:
    """The settings that options name. Raises UsageError."""
    told = texts(options, OPTIONS)
    subscription = subscription_of(told["otlp_subscription"])
    own_seconds = opened(told["sink"]).batch_seconds
    return Settings(
        subscription=subscription,
        sink=told["sink"],
        privacy_key=told["privacy_key"],
        shard_count=int(told["shard_count"]),
        batch_bytes=int(told["batch_bytes"]),
        batch_seconds=float(told["batch_seconds"]) or own_seconds,
        message_bytes=int(told["max_message_bytes"]),
    )


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
    said(lambda: pipeline_of(sys.argv[1:] if arguments is None else arguments).run())
