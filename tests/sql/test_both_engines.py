"""The comparison of two engines' rows itself: what it calls the same, and what it does not."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.sql.both_engines import differences
from tests.sql.googlesql import Catalog, Rows, content

TIME = dt.datetime(2026, 11, 16, 18, tzinfo=dt.UTC)
ROWS = [
    {"name": "a", "day_count": 50, "ratio": 0.1, "amount": Decimal("1.50"), "time": TIME, "ids": ["x", None]},
    {"name": "b", "day_count": None, "ratio": None, "amount": None, "time": None, "ids": []},
]


@pytest.fixture(scope="module")
def reference() -> Rows:
    catalog = Catalog()
    columns = catalog.create(
        "create table `lab.t` (name string, day_count int64, ratio float64, amount numeric, time timestamp,"
        " ids array<string>)"
    )
    return Rows(columns, content(pa.Table.from_pylist(ROWS), columns))


def test_rows_in_another_order_with_other_types_for_the_same_numbers_are_the_same(reference: Rows) -> None:
    ours = [{**ROWS[1]}, {**ROWS[0], "day_count": Decimal(50), "ratio": 0.1 + 1e-12}]
    assert differences(pa.Table.from_pylist(ours), reference) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"ratio": 0.1 + 1e-9}, "sorted row 0, ratio: DuckDB 0.100000001, BigQuery 0.1"),
        ({"day_count": 51}, "sorted row 0, day_count: DuckDB 51, BigQuery 50"),
        ({"ids": ["x"]}, "sorted row 0, ids: DuckDB ['x'], BigQuery ['x', None]"),
        ({"ratio": None}, "sorted row 0, ratio: DuckDB None, BigQuery 0.1"),
    ],
)
def test_a_changed_cell_is_named(change: dict[str, object], difference: str, reference: Rows) -> None:
    ours = pa.Table.from_pylist([{**ROWS[0], **change}, ROWS[1]])
    assert differences(ours, reference) == [difference]


def test_a_missing_row_is_counted(reference: Rows) -> None:
    ours = pa.Table.from_pylist(ROWS[:1])
    assert differences(ours, reference) == ["rows: DuckDB 1, BigQuery 2"]


def test_columns_in_another_order_are_a_difference(reference: Rows) -> None:
    ours = pa.Table.from_pylist(ROWS).select(["day_count", "name", "ratio", "amount", "time", "ids"])
    (difference,) = differences(ours, reference)
    assert difference.startswith("columns: DuckDB ['day_count', 'name'")
