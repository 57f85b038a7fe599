"""Reads the marts of a local warehouse into facts: opened read-only, asked, closed; an open reader blocks a build."""

import re
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import RunError, UsageError
from pipelines.report.facts import Facts, Row, Scope

SQL = Path(__file__).resolve().parent / "sql"
SCHEMA = "marts"
HOURLY_UP_TO_DAYS = 7
BUILD = "run otelmart build"


def read_facts(warehouse: Path, environment: str | None = None) -> Facts:
    """Every question of sql/*.sql answered for one environment: the named one, else production, else the busiest.

    Raises UsageError for a missing warehouse, one without marts, or an environment it does not have; RunError while
    a build holds the warehouse.
    """
    with _opened(warehouse) as connection:
        present = _marts(connection, warehouse)
        scope = _scope(connection, present, environment)
        questions = {file.stem: file.read_text() for file in sorted(SQL.glob("*.sql"))}
        reads = {name: tuple(sorted(set(re.findall(rf"{SCHEMA}\.\w+", sql)))) for name, sql in questions.items()}
        missing = {name: tuple(mart for mart in marts if mart not in present) for name, marts in reads.items()}
        answers = {name: _ask(connection, sql, scope) for name, sql in questions.items() if not missing[name]}
    return Facts(scope, answers, reads, missing)


def _opened(warehouse: Path) -> duckdb.DuckDBPyConnection:
    if not warehouse.is_file():
        raise UsageError(f"no warehouse at {warehouse}: {BUILD}, or name one with --warehouse")
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise RunError(
                f"{warehouse} is being written by another process: try again when its build has ended"
            ) from None
        raise UsageError(f"{warehouse} is not a warehouse of this DuckDB version: {BUILD} to make one") from None
    connection.execute("set TimeZone = 'UTC'")
    return connection


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


def _scope(connection: duckdb.DuckDBPyConnection, present: dict[str, set[str]], environment: str | None) -> Scope:
    covered = [
        "select environment, min(event_date) as first_date, max(event_date) as last_date, count(*) as row_count"
        f" from {mart} group by environment"
        for mart, columns in present.items()
        if {"environment", "event_date"} <= columns
    ]
    rows = _rows(
        connection,
        "select environment, min(first_date) as first_date, max(last_date) as last_date, sum(row_count) as row_count"
        f" from ({' union all '.join(covered)}) group by environment order by row_count desc, environment",
    )
    by_name = {row["environment"]: row for row in rows}
    if environment is not None and environment not in by_name:
        raise UsageError(
            f"no environment {environment!r} in the marts; choose one of {', '.join(by_name) or 'none: they are empty'}"
        )
    chosen = environment or ("production" if "production" in by_name or not by_name else rows[0]["environment"])
    dates = by_name.get(chosen, {"first_date": None, "last_date": None})
    days = (dates["last_date"] - dates["first_date"]).days + 1 if dates["first_date"] else 0
    return Scope(chosen, dates["first_date"], dates["last_date"], None, "hour" if days <= HOURLY_UP_TO_DAYS else "day")


def _ask(connection: duckdb.DuckDBPyConnection, sql: str, scope: Scope) -> list[Row]:
    values: dict[str, Any] = {
        "environment": scope.environment,
        "grain": scope.grain,
        "first_date": scope.first_date,
        "last_date": scope.last_date,
    }
    return _rows(connection, sql, {name: values[name] for name in set(re.findall(r"\$(\w+)", sql))})


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any] | None = None) -> list[Row]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
