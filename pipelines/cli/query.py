"""`otelmart query`: one statement of SQL against the marts of the local warehouse."""

from __future__ import annotations

import json
import math
import sys
from datetime import date, datetime, time
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import options
from pipelines.cli.report import warehouse_option

if TYPE_CHECKING:
    from pipelines.report.warehouse import Answer

WIDEST_COLUMNS = 1_000_000  # nothing is cut to the terminal: a pager or the next command can


@click.command(
    epilog='Example: otelmart query "select event_date, sum(order_count) from fct_revenue_daily group by all"'
)
@click.argument("sql")
@warehouse_option
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Most rows to print as a table; --json prints all.",
)
@options.as_json
def command(sql: str, warehouse: Path, limit: int, as_json: bool) -> None:
    """Ask the marts one statement of SQL; a - for it reads standard input. Nothing in the warehouse is changed.

    Marts are found without a schema; all names: otelmart query "show tables". Times are UTC. With --json a list of
    objects: decimals as text, so that money keeps its cents; times as ISO 8601.
    """
    from pipelines.report.warehouse import ask

    answer = ask(warehouse, sys.stdin.buffer.read().decode(errors="surrogateescape") if sql == "-" else sql)
    if as_json:
        objects = [dict(zip(answer.names, map(_plain, row), strict=True)) for row in answer.rows]
        click.echo(json.dumps(objects, ensure_ascii=False))
        return
    click.echo(_text(answer, limit))
    if len(answer.rows) > limit:
        click.echo(f"{limit:,} of {len(answer.rows):,} rows; --limit N shows more, --json all", err=True)


def _plain(value: Any) -> Any:
    """A value of DuckDB as one that JSON has; what is no number (NaN, infinity) is null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _cell(value: Any) -> str:
    """A value as text: nothing for NULL, JSON for what is nested."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value))
    if isinstance(value, float):
        return str(value)  # NaN and infinity are seen as what they are
    return "" if value is None else str(_plain(value))


def _text(answer: Answer, limit: int) -> str:
    """Columns as wide as their widest value, so that nothing is cut; numbers to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = answer.rows[:limit]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for i, name in enumerate(answer.names):
        numeric = any(isinstance(row[i], int | float | Decimal) for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console(file=StringIO(), width=WIDEST_COLUMNS, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
