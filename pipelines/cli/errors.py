"""`otelmart errors`: error groups, most frequent first."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli import options
from pipelines.cli.answers import asked, brief, check_known, json_text, most_rows, objects, say
from pipelines.cli.report import warehouse_option


@click.command(epilog="Example: otelmart errors --service checkout --days 1")
@warehouse_option
@click.option("--environment", metavar="NAME", help="Only this environment; default: all.")
@click.option("--service", metavar="NAME", help="Only this service; default: all.")
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3660),
    default=7,
    show_default=True,
    help="UTC dates, up to the last one with an error.",
)
@most_rows
@options.as_json
def command(
    warehouse: Path, environment: str | None, service: str | None, days: int, limit: int, as_json: bool
) -> None:
    """Show error groups: how many (weighted by sampling), users and sessions met, first and last seen, a trace each.

    regressed_in names the release in which an error came back. otelmart trace ID shows a sample.
    """
    answer = asked("errors", warehouse, environment=environment, service=service, days=days)
    if not answer.rows:
        check_known(warehouse, environment=environment, service=service)
    if as_json:
        click.echo(json_text(objects(answer)))
    elif answer.rows:
        say(brief(answer), limit)
    else:
        click.echo("no errors there", err=True)
