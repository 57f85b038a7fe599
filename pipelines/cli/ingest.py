"""`otelmart ingest`: plan what is new in a source, load it, say what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import options
from pipelines.errors import RunError, UsageError

if TYPE_CHECKING:
    from pipelines.cloud_storage import Objects
    from pipelines.sources.contents import Listing

SINKS = {"lake": options.LAKE_EXAMPLE}


@click.command(epilog="Example: otelmart ingest --from files:otlp/ --to lake:.otelmart/lake")
@click.option(
    "--from",
    "source",
    metavar="URI",
    required=True,
    help="Where OTLP is: files:DIR, FILE or 'GLOB', or gs://BUCKET/PREFIX.",
)
@click.option(
    "--to", "sink", metavar="URI", default=f"lake:{options.DEFAULT_LAKE}", show_default=True, help="Where rows go."
)
@options.max_message
@options.engine_options
@options.as_json
def command(
    source: str,
    sink: str,
    max_message_bytes: int,
    runner: str,
    workers: int,
    beam_options: tuple[str, ...],
    as_json: bool,
) -> None:
    """Load what is new in a source into a lake, once: running the same command again adds nothing.

    Files are OTLP/HTTP bodies, collector file-exporter output or GCS-exporter objects; protobuf or JSON; plain, gzip or
    zstd; told apart by content. What cannot be kept goes to dead_letters with its bytes.

    A file is known by its name below DIR, its size and its content, so a copy of DIR is nothing new; a file with new
    content is read again. Its receive time is received_unix_ns in a manifest.jsonl beside it, else its modification
    time. Not read: manifest.jsonl, truth.json, hidden and temporary names (.*, _*, *~, *.tmp, *.part, *.partial), and
    outside_counts.json, whose counts otelmart ledger compares with. Beam's own options go after `--`.

    Into lake:gs://BUCKET/PREFIX, what its ledger accounts for is left out; several machines may write at once.
    """
    if runner == "DataflowRunner":
        if sink.startswith("lake:gs:"):
            raise UsageError("DataflowRunner fills BigQuery, by otelmart backfill: for a lake choose another --runner")
        raise UsageError(f"DataflowRunner cannot write to {sink}, which is on this machine: see otelmart backfill")
    from pipelines.sources.uris import SOURCES

    options.edge(source, "--from", {scheme: example for scheme, (example, _) in SOURCES.items()})
    lake = options.lake_at(options.edge(sink, "--to", SINKS))
    engine = options.Engine(runner, workers, beam_options)
    if isinstance(lake, Path):
        summary = ingest(source, lake, max_message_bytes, engine)
    else:
        summary = ingest_into_bucket(source, lake, max_message_bytes, engine)
    if as_json:
        click.echo(json.dumps(summary))


def ingest(source: str, lake: Path, max_message_bytes: int, engine: options.Engine) -> dict[str, Any]:
    """Loads what is new and returns the summary, which it also prints on stderr."""
    from pipelines import outside_counts, units
    from pipelines.cli.progress import Progress, summary_of
    from pipelines.decode.rules import Rules
    from pipelines.load import Job
    from pipelines.sinks.lake import check_schema
    from pipelines.sources import uris
    from pipelines.sources.compression import Limits

    started = perf_counter()
    listing = uris.listing(source, lake / units.PLANS / "listings")
    _say(listing, source)
    rules = Rules.load(options.privacy_key())
    with units.only_writer(lake):
        check_schema(lake)
        outside_counts.take_over(listing, lake)
        planned = units.plan_files(lake, listing.files)
        with Progress(lake, planned):
            engine.load(planned, Job(lake, listing.place, rules, Limits(max_message_bytes)))
    return summary_of(lake, planned, perf_counter() - started, skipped=listing.skipped, growing=listing.growing)


def ingest_into_bucket(source: str, lake: Objects, max_message_bytes: int, engine: options.Engine) -> dict[str, Any]:
    """Loads what the ledger of the bucket does not account for and returns the summary, which it also prints."""
    from tempfile import TemporaryDirectory

    from pipelines import fill, outside_counts, units
    from pipelines.cli.progress import summary_of
    from pipelines.sinks.bucket import BucketLake, attempts, copy, put_counts
    from pipelines.sources import uris
    from pipelines.sources.compression import Limits

    if engine.runner == "DaskRunner":
        raise UsageError("DaskRunner does not tell what its workers were refused: choose another --runner")
    started = perf_counter()
    listing = uris.listing(source, options.LISTINGS)
    _say(listing, source)
    target = BucketLake(lake)
    for check in target.checks():
        check.look()
    target.recover()
    committed = attempts(lake)
    planned = [each for each in units.grouped(listing.files, units.UNIT_BYTES) if each.unit_id not in committed]
    since = fill.known_since(min(map(fill.received, listing.files)))
    job = fill.Job(listing.place, f"lake:{lake}", options.privacy_key_place(), Limits(max_message_bytes), since)
    with TemporaryDirectory(prefix="otelmart-ingest-") as name:
        folder = Path(name)
        outside_counts.take_over(listing, folder)
        put_counts(lake, folder)
        if planned:
            engine.fill(planned, job)
        copy(lake, folder, {each.unit_id for each in planned}.__contains__, ("dead_letters",))
        seconds = perf_counter() - started
        return summary_of(folder, planned, seconds, skipped=listing.skipped, growing=listing.growing)


def _say(listing: Listing, source: str) -> None:
    """Names what is left out. Raises RunError when nothing is left."""
    if listing.skipped:
        click.echo(f"skipped by name: {_some(listing.skipped)}", err=True)
    if listing.growing:
        click.echo(f"still being written, run again later: {_some(listing.growing)}", err=True)
    if not listing.files:
        raise RunError(f"there is nothing to ingest in {source}: put OTLP files there, or give another --from")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
