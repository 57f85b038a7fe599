"""`otelmart query`: one statement of SQL against the marts of the local warehouse."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from pipelines.cli import options
from pipelines.cli.answers import answered, json_text, most_rows, objects, say
from pipelines.cli.report import warehouse_option


class _Query(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An argument of several words that begins as an option does is SQL that begins with a comment."""
        return super().parse_args(ctx, [f" {each}" if re.match(r"--[^=\s]*\s", each) else each for each in args])


@click.command(
    cls=_Query,
    epilog='Example: otelmart query "select event_date, sum(order_count) from fct_revenue_daily group by all"',
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
    answer = answered(warehouse, statement, most_rows=None if as_json else limit)
    if as_json:
        click.echo(json_text(objects(answer)))
        return
    say(answer, limit)
