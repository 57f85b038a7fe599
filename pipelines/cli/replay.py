"""`otelmart replay`: dead letters that can be read now become rows; a second replay adds nothing."""

import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import click

from pipelines.cli import options


@click.command(epilog="Example: otelmart replay --lake .otelmart/lake --reason message_too_large --max-message 256MiB")
@options.lake_directory
@click.option("--reason", metavar="CODE", help="Only letters of this reason, for example time_out_of_range.")
@click.option(
    "--signal", type=click.Choice(["traces", "logs", "metrics", "unknown"]), help="Only letters of this signal."
)
@options.max_message
@click.option("--max-past-days", type=click.IntRange(0), help="How far event times may lie before the receive time.")
@click.option("--max-future-days", type=click.IntRange(0), help="How far event times may lie after the receive time.")
@options.as_json
def command(
    lake: Path,
    reason: str | None,
    signal: str | None,
    max_message_bytes: int,
    max_past_days: int | None,
    max_future_days: int | None,
    as_json: bool,
) -> None:
    """Put back dead letters that can be read now: after a fix, or with wider limits given here.

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
    options.existing_lake(lake)
    rules = Rules.load(options.privacy_key())
    rules = replace(
        rules,
        max_past_days=rules.max_past_days if max_past_days is None else max_past_days,
        max_future_days=rules.max_future_days if max_future_days is None else max_future_days,
    )
    limits = Limits(max_message_bytes)
    with units.only_writer(lake):
        units.sweep(lake)
        found = prospects(lake, units.replayed_letter_ids(lake), rules, limits, reason, signal)
        planned = units.plan_letters(lake, found.letter_ids)
        load_all(planned, Job(lake, Folder(lake), rules, limits))
    summary = summary_of(lake, planned, perf_counter() - started, letters=len(found.letter_ids), failed=found.failed)
    if found.failed:
        failed = ", ".join(f"{count:,} {code}" for code, count in found.failed.items())
        click.echo(f"still unreadable: {failed}", err=True)
    if as_json:
        click.echo(json.dumps(summary))
