"""Reads the marts of a local warehouse into facts: opened read-only, asked, closed; an open reader blocks a build."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from pipelines.errors import RunError, UsageError
from pipelines.report import units
from pipelines.report.facts import Facts, Row, Scope
from pipelines.report.sentences import unfinished

SQL = Path(__file__).resolve().parent / "sql"
SCHEMA = "marts"
STATE = f"{SCHEMA}_state"
RELATION = rf"\b{SCHEMA}(?:_\w+)?\.\w+"  # spans stand in no mart: the traces drawn come from staging
HOURLY_UP_TO_DAYS = 7
USUAL_ENVIRONMENT = "production"
COUNTED_ROWS = 10_000  # at once
STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
BUILD = "run otelmart build"
INTERRUPT_SECONDS = 0.1


class Busy(RunError):
    """Another program holds the warehouse: the same can be done once it has ended."""


class Answer(NamedTuple):
    """What a query gave: column names, all different, rows of DuckDB's Python values, the first of `row_count`; and the
    dates that an unfinished build was to rebuild. Text is as it was sent, with what may steer a terminal."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    row_count: int
    due_dates: tuple[date, ...]


def ask(warehouse: Path, sql: str, parameters: Mapping[str, Any] | None = None, most_rows: int | None = None) -> Answer:
    """Answers one statement of SQL, which finds the marts without naming their schema, and writes nothing to them.

    `parameters` are the values of its $names; of more than `most_rows` the others are counted, not kept.

    Raises UsageError for a missing warehouse or a statement DuckDB refuses, in DuckDB's words; Busy while a build
    holds the warehouse, RunError when DuckDB cannot read a file or has not enough memory.
    """
    if re.search("[\ud800-\udfff]", sql):  # how Python keeps bytes of an argument that are no UTF-8
        raise UsageError("the SQL is not UTF-8: save it as UTF-8")
    with _opened(warehouse) as connection, ThreadPoolExecutor(1) as thread:
        _marts(connection, warehouse)
        due_dates = _due_dates(connection)
        connection.execute(f"set search_path = '{SCHEMA}'")
        running = thread.submit(_answer, connection, sql, parameters, most_rows, due_dates)
        try:
            return running.result()
        except KeyboardInterrupt:  # DuckDB itself misses it now and then when it runs in the main thread
            while wait([running], INTERRUPT_SECONDS).not_done:
                connection.interrupt()
            raise


def _answer(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Mapping[str, Any] | None,
    most_rows: int | None,
    due_dates: tuple[date, ...],
) -> Answer:
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise UsageError(f"give one statement of SQL, not {len(statements)}")
        result = connection.execute(statements[0], parameters)
        names = [column[0] for column in result.description or ()]  # gone once the rows are fetched
        rows = result.fetchall() if most_rows is None else result.fetchmany(most_rows)
        row_count = len(rows)
        while most_rows is not None and (others := len(result.fetchmany(COUNTED_ROWS))):
            row_count += others
        return Answer(_unlike(names), rows, row_count, due_dates)
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        if due_dates and isinstance(error, duckdb.CatalogException):
            text = f"{text}. {units.plain(unfinished(due_dates))}"
        raise (RunError if isinstance(error, duckdb.OperationalError) else UsageError)(text) from None


def read_facts(warehouse: Path, environment: str | None = None) -> Facts:
    """Every question of sql/*.sql answered for one environment: the named one, else production, else the busiest.

    Raises UsageError for a missing warehouse, one without marts, or an environment it does not have; Busy while a
    build holds the warehouse.
    """
    with _opened(warehouse) as connection:
        present = _marts(connection, warehouse)
        scope = _scope(connection, present, environment, _built_time(warehouse))
        questions = {file.stem: file.read_text() for file in sorted(SQL.glob("*.sql"))}
        reads = {name: tuple(sorted(set(re.findall(RELATION, sql)))) for name, sql in questions.items()}
        there = _relations(connection)
        missing = {name: tuple(mart for mart in marts if mart not in there) for name, marts in reads.items()}
        answers = {name: _ask(connection, sql, scope) for name, sql in questions.items() if not missing[name]}
        due_dates, older_dates = _due_dates(connection), _older_dates(connection)
    return Facts(scope, answers, reads, missing, due_dates, older_dates)


def _unlike(names: Sequence[str]) -> tuple[str, ...]:
    """Column names, the second `a` as `a_2`, so that a row can be a JSON object and lose nothing."""
    unlike: dict[str, None] = {}
    for name in names:
        copies = (name, *(f"{name}_{n}" for n in range(2, len(names) + 1)))
        unlike[next(copy for copy in copies if copy not in unlike)] = None
    return tuple(unlike)


def _opened(warehouse: Path) -> duckdb.DuckDBPyConnection:
    if not warehouse.is_file():
        raise UsageError(f"no warehouse at {warehouse}: {BUILD}, or name one with --warehouse")
    connection = _connected(warehouse, f"{BUILD} to make one", read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def check_free(warehouse: Path) -> None:
    """Raises Busy while another program holds the warehouse, be it to read; UsageError when it cannot be written."""
    if warehouse.exists():
        _connected(warehouse, "name another with --warehouse, or delete it", read_only=False).close()


def _connected(warehouse: Path, cure: str, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(warehouse), read_only=read_only)
    except duckdb.IOException as error:
        text = str(error)
        if "Could not set lock" in text:
            doing = "written" if read_only else "used"
            raise Busy(f"{warehouse} is being {doing} by another program: try again when that has ended") from None
        if "Cannot open file" in text:
            raise RunError(f"{warehouse} cannot be opened: {text.rpartition(': ')[2]}") from None
        raise UsageError(f"{warehouse} is not a warehouse of this DuckDB version: {cure}") from None
    except duckdb.Error:  # by its name a file of another kind, which DuckDB would read into memory
        raise UsageError(f"{warehouse} is no warehouse: {cure}") from None


def _built_time(warehouse: Path) -> datetime:
    """When the last build wrote the warehouse, UTC: reading leaves a file's time alone."""
    return datetime.fromtimestamp(warehouse.stat().st_mtime, UTC)


def _marts(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> dict[str, set[str]]:
    """`marts.name` → its columns."""
    found: dict[str, set[str]] = {}
    columns = connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = ?", [SCHEMA]
    )
    for table, column in columns.fetchall():
        found.setdefault(f"{SCHEMA}.{table}", set()).add(column)
    if not found:
        raise UsageError(f"{warehouse} has no marts yet: {BUILD}")
    return found


def _due_dates(connection: duckdb.DuckDBPyConnection) -> tuple[date, ...]:
    """Dates that an unfinished build was to rebuild: killed, failed, or of some models only."""
    if f"{STATE}.unfinished_build" not in _relations(connection):  # nothing says how it was built
        return ()
    found = connection.execute(
        f"select distinct event_date from {STATE}.changed_dates, {STATE}.unfinished_build where is_changed order by all"
    )
    return tuple(day for (day,) in found.fetchall())


def _older_dates(connection: duckdb.DuckDBPyConnection) -> tuple[date, ...]:
    """Dates that were built by other models than those of the last build."""
    known = "from information_schema.columns where table_schema = ? and table_name = ? and column_name = ?"
    if not connection.execute(known, [STATE, "last_build", "models"]).fetchall():  # of a release that kept none
        return ()
    found = connection.execute(
        f"select distinct event_date from {STATE}.built_dates, {STATE}.last_build "
        "where built_dates.models is distinct from last_build.models order by all"
    )
    return tuple(day for (day,) in found.fetchall())


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """`marts.name`, `marts_staging.name` … of every table and view."""
    found = connection.execute("select table_schema || '.' || table_name from information_schema.tables")
    return {name for (name,) in found.fetchall()}


def _scope(
    connection: duckdb.DuckDBPyConnection, present: dict[str, set[str]], environment: str | None, as_of: datetime
) -> Scope:
    """The environment to show and its dates. Time axes have a column an hour when few dates have data, else a day."""
    covered = [
        f"select deployment_environment, event_date, count(*) as row_count from {mart} group by all"
        for mart, columns in present.items()
        if {"deployment_environment", "event_date"} <= columns
    ]
    found = connection.execute(
        "select deployment_environment, min(event_date), max(event_date), count(distinct event_date)"
        f" from ({' union all '.join(covered)}) group by all order by sum(row_count) desc, deployment_environment"
    ).fetchall()
    by_name = {
        name: Scope(name, first, last, as_of, "hour" if days <= HOURLY_UP_TO_DAYS else "day")
        for name, first, last, days in found
    }
    names = [environment] if environment else [USUAL_ENVIRONMENT, *by_name]
    for name in names:
        if name in by_name:
            return by_name[name]
    if environment:
        choices = f"choose one of {', '.join(map(_clean, by_name))}" if by_name else "the marts are empty"
        raise UsageError(f"no environment {environment!r} in the marts: {choices}")
    return Scope(USUAL_ENVIRONMENT, None, None, as_of, "hour")


def _ask(connection: duckdb.DuckDBPyConnection, sql: str, scope: Scope) -> list[Row]:
    """Rows of one question; its parameters are fields of the scope, and the dates that the overview compares."""
    dates = {
        f"{name}_{end}_date": getattr(days, end, None)
        for name, days in (("current", scope.current), ("previous", scope.previous))
        for end in ("first", "last")
    }
    values = {**vars(scope), **dates}
    return _rows(connection, sql, {name: values[name] for name in set(re.findall(r"\$(\w+)", sql))})


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any] | None = None) -> list[Row]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description]
    return [dict(zip(names, map(_clean, row), strict=True)) for row in result.fetchall()]


def _clean(value: Any) -> Any:
    """Text without characters that steer a terminal or turn the direction of writing; anything else as it is."""
    return STEERING.sub("\ufffd", value) if isinstance(value, str) else value
