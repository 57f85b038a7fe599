"""`otelmart query`: one statement of SQL against the marts of the local warehouse."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipelines.cli import options
from pipelines.cli.answers import answered, most_rows, objects, say
from pipelines.cli.report import warehouse_option


@click.command(
    epilog='Example: otelmart query "select event_date, sum(order_count) from fct_revenue_daily group by all"'
)
@click.argument("sql")
@warehouse_option
@most_rows
@options.as_json
def command(sql: str, warehouse: Path, limit: int, as_json: bool) -> None:
    """Ask the marts one statement of SQL; a - for it reads standard input. Nothing in the warehouse is changed.

    Marts are found without a schema; all names: otelmart query "show tables". Times are UTC. With --json a list of
    objects: decimals as text, so that money keeps its cents; times as ISO 8601.
    """
    statement = sys.stdin.buffer.read().decode(errors="surrogateescape") if sql == "-" else sql
    answer = answered(warehouse, statement)
    if as_json:
        click.echo(json.dumps(objects(answer), ensure_ascii=False))
        return
    say(answer, limit)
