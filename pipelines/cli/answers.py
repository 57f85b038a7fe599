"""Answers of the warehouse as text for a person and as JSON for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from io import StringIO
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.report.warehouse import Answer

SQL = Path(__file__).parent / "sql"
WAIT_SECONDS = 60.0  # for a build; one of the dates that changed takes less
_POLL_SECONDS = 0.2
_COLUMNS = {"environment": "deployment_environment", "service": "service_name"}  # of dim_services
Read = TypeVar("Read")
WIDEST_COLUMNS = 1_000_000  # nothing is cut to the terminal: a pager or the next command can


most_rows = click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Most rows to print as a table; --json prints all.",
)


def asked(name: str, warehouse: Path, **parameters: Any) -> Answer:
    """The answer to sql/NAME.sql."""
    return answered(warehouse, (SQL / f"{name}.sql").read_text(), parameters)


def check_known(warehouse: Path, **names: str | None) -> None:
    """Raises UsageError for a name (of an environment, a service) that no service has: a slip is not told "none"."""
    for kind, name in names.items():
        if name is None:
            continue
        sql = f"select distinct {_COLUMNS[kind]} from dim_services where {_COLUMNS[kind]} is not null order by all"
        known = [found for (found,) in answered(warehouse, sql).rows]
        if name not in known:
            choices = f"choose one of {', '.join(map(seen, known))}" if known else "no service has sent anything"
            raise UsageError(f"no {kind} {name!r} in the marts: {choices}")


def answered(
    warehouse: Path, sql: str, parameters: Mapping[str, Any] | None = None, most_rows: int | None = None
) -> Answer:
    """The answer to one statement; on stderr, once, what to think of it where the last build did not end well."""
    from pipelines.report import units
    from pipelines.report.sentences import unfinished
    from pipelines.report.warehouse import ask

    answer = once_free(lambda: ask(warehouse, sql, parameters, most_rows))
    if answer.due_dates:
        _warn(units.plain(unfinished(answer.due_dates)))
    return answer


@cache
def _warn(text: str) -> None:
    click.echo(text, err=True)


def once_free(read: Callable[[], Read]) -> Read:
    """What `read` gives of a warehouse, once no other program holds it: `listen` may build every minute, a query run.
    Raises RunError when that takes more than `WAIT_SECONDS`."""
    from pipelines.report.warehouse import Busy

    deadline, is_said = monotonic() + WAIT_SECONDS, False
    while True:
        try:
            return read()
        except Busy:
            if monotonic() >= deadline:
                raise
        if not is_said:
            click.echo("waiting until the program that holds the warehouse has ended", err=True)
            is_said = True
        sleep(_POLL_SECONDS)


def objects(answer: Answer) -> list[dict[str, Any]]:
    """Rows as JSON objects."""
    return [dict(zip(answer.names, map(plain, row), strict=True)) for row in answer.rows]


def json_text(document: Any) -> str:
    """JSON of a document, on one line; what could steer a terminal is escaped, as JSON escapes a line's end."""
    from pipelines.report.warehouse import STEERING

    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(document, ensure_ascii=False))


def seen(text: str) -> str:
    """A text as a terminal may show it: the end of a line as \\n, and what could steer it as U+FFFD."""
    from pipelines.report.warehouse import STEERING

    return STEERING.sub("\ufffd", text.replace("\n", "\\n").replace("\t", "\\t"))


def brief(answer: Answer) -> Answer:
    """The answer with times to the second, in UTC, for a person."""
    rows = [tuple(f"{v:%Y-%m-%d %H:%M:%S}" if isinstance(v, datetime) else v for v in row) for row in answer.rows]
    return answer._replace(rows=rows)


def say(answer: Answer, limit: int) -> None:
    """Prints the first rows as a table, and on stderr how many there are beyond them."""
    click.echo(text(answer, limit))
    if answer.row_count > limit:
        click.echo(f"{limit:,} of {answer.row_count:,} rows; --limit N shows more, --json all", err=True)


def counted(number: int, thing: str) -> str:
    """1 span, 2 spans."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def plain(value: Any) -> Any:
    """A value of DuckDB as one that JSON has; what is no number (NaN, infinity) is null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
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
        return seen(json.dumps(plain(value), ensure_ascii=False))
    if isinstance(value, float):
        return str(value)  # NaN and infinity are seen as what they are
    return "" if value is None else seen(str(plain(value)))


def text(answer: Answer, limit: int) -> str:
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
