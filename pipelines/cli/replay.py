"""`otelmart replay`: dead letters that can be read now become rows; a second replay adds nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from pipelines.cli import options

if TYPE_CHECKING:
    from pipelines.cloud_storage import Objects
    from pipelines.decode.rules import Rules
    from pipelines.replay import Prospects
    from pipelines.sources.compression import Limits


@click.command(epilog="Example: otelmart replay --lake .otelmart/lake --reason message_too_large --max-message 256MiB")
@options.lake_directory
@click.option("--from", "source", metavar="URI", help="bigquery:PROJECT.DATASET, or lake:PLACE instead of --lake.")
@click.option("--reason", metavar="CODE", help="Only letters of this reason, for example time_out_of_range.")
@click.option(
    "--signal", type=click.Choice(["traces", "logs", "metrics", "unknown"]), help="Only letters of this signal."
)
@options.max_message
@click.option("--max-past-days", type=click.IntRange(0), help="How far event times may lie before the receive time.")
@click.option("--max-future-days", type=click.IntRange(0), help="How far event times may lie after the receive time.")
@options.as_json
def command(
    lake: Path | Objects,
    source: str | None,
    reason: str | None,
    signal: str | None,
    max_message_bytes: int,
    max_past_days: int | None,
    max_future_days: int | None,
    as_json: bool,
) -> None:
    """Put back dead letters that can be read now, of a lake or of BigQuery: after a fix, or with wider limits.

    Rows keep their payload_id, row_ordinal and receive time. What fails again stays a dead letter and is counted.
    """
    from pipelines import units
    from pipelines.cli.progress import summary_of
    from pipelines.dead_letters import check_reason
    from pipelines.decode.rules import Rules
    from pipelines.load import Job, load_all
    from pipelines.replay import prospects
    from pipelines.sources.compression import Limits
    from pipelines.sources.files import Folder

    started = perf_counter()
    check_reason(reason)
    if source and source.startswith("lake:"):
        lake, source = options.lake_at(options.edge(source, "--from", {"lake": options.LAKE_EXAMPLE})), None
    copied = Path() if source else options.existing_lake(lake)
    rules = Rules.load(options.privacy_key())
    rules = replace(
        rules,
        max_past_days=rules.max_past_days if max_past_days is None else max_past_days,
        max_future_days=rules.max_future_days if max_future_days is None else max_future_days,
    )
    limits = Limits(max_message_bytes)
    if source:
        _in_bigquery(source, rules, limits, reason, signal, as_json)
        return
    if not isinstance(lake, Path):
        _in_bucket(lake, copied, rules, limits, reason, signal, as_json)
        return
    with units.only_writer(lake):
        found = prospects(lake, units.replayed_letter_ids(lake), rules, limits, reason, signal)
        planned = units.plan_letters(lake, found.letter_ids)
        load_all(planned, Job(lake, Folder(lake), rules, limits))
    summary = summary_of(lake, planned, perf_counter() - started, letters=len(found.letter_ids), failed=found.failed)
    _say_failed(found.failed)
    if as_json:
        click.echo(json.dumps(summary))


def _in_bigquery(
    source: str, rules: Rules, limits: Limits, reason: str | None, signal: str | None, as_json: bool
) -> None:
    from tempfile import TemporaryDirectory

    from pipelines.dataset import Dataset
    from pipelines.replay import prospects
    from pipelines.replay_bigquery import copy_letters, put_back
    from pipelines.sinks.bigquery import EXAMPLE, bigquery

    sink = bigquery(options.edge(source, "--from", {"bigquery": EXAMPLE}))
    for check in sink.checks():
        check.look()
    dataset = Dataset(sink.dataset)
    dataset.look()
    with TemporaryDirectory(prefix="otelmart-replay-") as folder:
        copy_letters(dataset, sink, Path(folder), reason, signal)
        found = prospects(Path(folder), (), rules, limits, reason, signal)
        row_count = put_back(found.letter_ids, Path(folder), sink, rules, limits)
    sink.close()
    _say_done(found, row_count, as_json)


def _in_bucket(
    lake: Objects, copied: Path, rules: Rules, limits: Limits, reason: str | None, signal: str | None, as_json: bool
) -> None:
    from pipelines.replay import prospects
    from pipelines.replay_bucket import done, put_back
    from pipelines.sinks.bucket import BucketLake

    sink = BucketLake(lake)
    for check in sink.checks():
        check.look()
    found = prospects(copied, done(copied), rules, limits, reason, signal)
    row_count = put_back(found.letter_ids, copied, sink, rules, limits)
    sink.close()
    _say_done(found, row_count, as_json)


def _say_done(found: Prospects, row_count: int, as_json: bool) -> None:
    text = f"{row_count:,} rows from {len(found.letter_ids):,} dead letters" if found.letter_ids else "nothing new"
    click.echo(text, err=True)
    _say_failed(found.failed)
    if as_json:
        click.echo(json.dumps({"letters": len(found.letter_ids), "rows": row_count, "failed": found.failed}))


def _say_failed(failed: dict[str, int]) -> None:
    if failed:
        counts = ", ".join(f"{count:,} {code}" for code, count in failed.items())
        click.echo(f"still unreadable: {counts}", err=True)
