"""`otelmart slo`: objectives, budgets and alerts as of the last day there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import options
from pipelines.cli.answers import asked, check_known, json_text, most_rows, objects, say
from pipelines.cli.report import warehouse_option
from pipelines.errors import RunError

if TYPE_CHECKING:
    from pipelines.report.warehouse import Answer


@click.command(epilog="Example: otelmart slo --environment production")
@warehouse_option
@click.option("--environment", metavar="NAME", help="Only this environment; default: all.")
@click.option("--check", is_flag=True, help="Exit code 1 when one does not hold, or none can be judged.")
@most_rows
@options.as_json
def command(warehouse: Path, environment: str | None, check: bool, limit: int, as_json: bool) -> None:
    """Show every objective: target, indicator, error budget left in its window, burn rate of the day, alerts that fire.

    The least budget comes first. bad and valid are the counts behind the indicator; no valid events are no_data.

    \b
    --check fails when
      a state is exhausted or an alert fires,
      the last build failed or left models out,
      there is no objective, or none of that environment.
    """
    answer = asked("slo", warehouse, environment=environment)
    found = objects(answer)
    if not found:
        check_known(warehouse, environment=environment)
    if as_json:
        click.echo(json_text(found))
    elif found:
        say(answer, limit)
    elif environment is None:
        click.echo("no objective has data: put OpenSLO files into dbt/slos/ and run otelmart build", err=True)
    else:
        click.echo(f"no objective has data of environment {environment}", err=True)
    if check:
        _check(found, answer)


def _check(found: Sequence[Mapping[str, Any]], answer: Answer) -> None:
    """Raises RunError unless every objective holds, and there are some to judge."""
    if answer.due_dates:
        raise RunError("the objectives cannot be judged by an unfinished build: run otelmart build")
    if not found:
        raise RunError("there is no objective to judge")
    broken = [row for row in found if row["alerts"] or row["state"] == "exhausted"]
    if broken:
        raise RunError(f"{len(broken)} of {len(found)} objectives are exhausted or have an alert firing")
