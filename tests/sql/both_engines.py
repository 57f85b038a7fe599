"""Every model of the dbt project in both engines over one small lake: its rows as DuckDB built them, and as GoogleSQL's
reference implementation gives them from the SQL that dbt compiled for BigQuery."""

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.sql.dbt_project import Node
from tests.sql.googlesql import Catalog, Rows

RELATIVE_TOLERANCE = 1e-9
Row = tuple[Any, ...]


# Models of which one part is compared: the reference sums a running total anew for every row, so a series of n slots
# takes n² steps. Series do not touch each other.
PARTS = {"fct_slo_burn_alerts": "slo_id = 'login-success'"}


class DuckTables:
    """Tables of a warehouse by their dotted BigQuery name; the project part is the file."""

    def __init__(self, warehouse: Path) -> None:
        self._connection = duckdb.connect(str(warehouse), read_only=True)
        self._connection.sql("set TimeZone = 'UTC'")

    def __getitem__(self, table: str) -> pa.Table:
        return self.part(table, "true")

    def part(self, table: str, condition: str) -> pa.Table:
        schema, name = table.split(".")[1:]
        return self.ask(f'select * from "{schema}"."{name}" where {condition}')

    def ask(self, sql: str) -> pa.Table:
        return self._connection.sql(sql).to_arrow_table()


class ReferenceTables(dict[str, "Rows | pa.Table"]):
    """Tables as the reference implementation makes them: models from their SQL, upstream first, each once; raw tables
    and seeds are DuckDB's."""

    def __init__(self, models: dict[str, Node], catalog: Catalog, loaded: DuckTables) -> None:
        super().__init__()
        self._models, self._catalog, self._loaded = models, catalog, loaded

    def __missing__(self, table: str) -> "Rows | pa.Table":
        model = self._models.get(table)
        self[table] = self._evaluated(model) if model else self._loaded[table]
        return self[table]

    def _evaluated(self, model: Node) -> Rows:
        part = PARTS.get(model.name)
        return self._catalog.evaluate(model.sql, _PartOfModels(self, part) if part else self)

    def part(self, table: str, condition: str) -> "Rows | pa.Table":
        """Rows of a model that meet a condition; a seed or raw table as a whole."""
        if table not in self._models:
            return self[table]
        return self._catalog.evaluate(f"select * from `{table}` where {condition}", self)


class _PartOfModels(dict[str, "Rows | pa.Table"]):
    """The tables that a model reads, cut to a part."""

    def __init__(self, tables: ReferenceTables, condition: str) -> None:
        super().__init__()
        self._tables, self._condition = tables, condition

    def __missing__(self, table: str) -> "Rows | pa.Table":
        return self._tables.part(table, self._condition)


def differences(ours: pa.Table, reference: Rows) -> list[str]:
    """How DuckDB's rows of a model differ from the reference's, whatever their order; empty when they do not."""
    names = [column.name for column in reference.columns]
    if ours.column_names != names:
        return [f"columns: DuckDB {ours.column_names}, BigQuery {names}"]
    left = _sorted([tuple(row.values()) for row in ours.to_pylist()])
    right = _sorted(reference.values)
    counts = [f"rows: DuckDB {len(left)}, BigQuery {len(right)}"] if len(left) != len(right) else []
    return counts + list(_unequal_cells(names, left, right))


def _unequal_cells(names: list[str], left: list[Row], right: list[Row]) -> Iterator[str]:
    for number, (a, b) in enumerate(zip(left, right, strict=False)):
        for name, x, y in zip(names, a, b, strict=True):
            if not _is_same(x, y):
                yield f"sorted row {number}, {name}: DuckDB {x!r}, BigQuery {y!r}"


def _sorted(rows: list[Row]) -> list[Row]:
    """Rows by their exact cells first, so that a last digit of a float does not change the order."""
    return sorted(
        rows, key=lambda row: ([_order(v) for v in row if not _is_float(v)], [v for v in row if _is_float(v)])
    )


def _is_float(value: Any) -> bool:
    return isinstance(value, float) and not math.isnan(value)


def _order(value: Any) -> str:
    """Text that is the same for equal values of the types that the two engines use."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return str(Decimal(value).normalize()) if is_number else repr(value)


def _is_same(x: Any, y: Any) -> bool:
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(map(_is_same, x, y))
    if isinstance(x, dict) and isinstance(y, dict):
        return x.keys() == y.keys() and all(_is_same(x[key], y[key]) for key in x)
    if isinstance(x, float) and isinstance(y, float):
        return x == y or (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=RELATIVE_TOLERANCE)
    return bool(x == y)
