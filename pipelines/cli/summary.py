"""`otelmart summary`: what the marts say, on one screen."""

import sys
from pathlib import Path

import click

from pipelines.cli.answers import once_free
from pipelines.cli.report import warehouse_options


@click.command(epilog="Example: otelmart summary --warehouse .otelmart/warehouse.duckdb")
@warehouse_options
@click.option("--json", "as_json", is_flag=True, help="Print everything it knows as one JSON document.")
def command(warehouse: Path, environment: str | None, as_json: bool) -> None:
    """Print what the marts say: what came in, what broke, the busiest routes, the funnel, sessions, orders."""
    from pipelines.report.terminal import summary
    from pipelines.report.warehouse import read_facts

    facts = once_free(lambda: read_facts(warehouse, environment))
    if as_json:
        click.echo(facts.as_json())
    else:
        click.echo(summary(facts, _next_steps(warehouse), in_colour=sys.stdout.isatty()), nl=False)


def _next_steps(warehouse: Path) -> list[tuple[str, str]]:
    return [
        ("otelmart report", "the same with pictures, one HTML page"),
        ("otelmart ledger", "every table and date, reconciled"),
        (f"{warehouse}", "DuckDB file, schema marts: ask it anything in SQL"),
    ]
