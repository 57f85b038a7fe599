"""`otelmart slo`: objectives, budgets and alerts as of the last day there is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipelines.cli import options
from pipelines.cli.answers import asked, most_rows, objects, say
from pipelines.cli.report import warehouse_option
from pipelines.errors import RunError


@click.command(epilog="Example: otelmart slo --environment production")
@warehouse_option
@click.option("--environment", metavar="NAME", help="Only this environment; default: all.")
@click.option("--check", is_flag=True, help="Exit code 1 when a state is exhausted or an alert fires.")
@most_rows
@options.as_json
def command(warehouse: Path, environment: str | None, check: bool, limit: int, as_json: bool) -> None:
    """Show every objective: target, indicator, error budget left in its window, burn rate of the day, alerts that fire.

    The least budget comes first. bad and valid are the counts behind the indicator; no valid events are no_data.
    """
    answer = asked("slo", warehouse, environment=environment)
    found = objects(answer)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif found:
        say(answer, limit)
    else:
        click.echo("no objective has data: put OpenSLO files into dbt/slos/ and run otelmart build", err=True)
    broken = [row for row in found if row["alerts"] or row["state"] == "exhausted"]
    if check and broken:
        raise RunError(f"{len(broken)} of {len(found)} objectives are exhausted or have an alert firing")
