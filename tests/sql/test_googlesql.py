"""The harness itself: it must reject what BigQuery rejects and count as BigQuery counts."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.sql import rewrites
from tests.sql.googlesql import Catalog, SqlError


@pytest.fixture(scope="module")
def numbers() -> Catalog:
    catalog = Catalog(now=dt.datetime(2026, 11, 18, 23, 59, 59, tzinfo=dt.UTC))
    catalog.create("create table `lab.numbers` (service string, duration_ms float64)")
    return catalog


def test_current_date_is_the_utc_date_of_the_catalogs_now(numbers: Catalog) -> None:
    answer = numbers.evaluate("select current_date() as today, current_timestamp() as now", {})
    assert answer.values == [(dt.date(2026, 11, 18), dt.datetime(2026, 11, 18, 23, 59, 59, tzinfo=dt.UTC))]


def test_every_type_of_our_tables_goes_in_and_comes_out_unchanged(numbers: Catalog) -> None:
    row = {
        "number": -(2**63),
        "share": 0.1,
        "text": "Öl",
        "flag": True,
        "data": b"\x00\xff",
        "day": dt.date(1969, 12, 31),
        "time": dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
        "money": Decimal("-29999999999999999999999999999.999999999"),
        "pairs": [{"key": "a", "value": None}],
        "nothing": None,
    }
    numbers.create(
        "create table `lab.types` (number int64, share float64, text string, flag bool, data bytes, day date,"
        " time timestamp, money numeric, pairs array<struct<key string, value string>>, nothing string)"
    )
    assert numbers.evaluate("select * from lab.types", {"lab.types": pa.Table.from_pylist([row])}).records == [row]


@pytest.mark.parametrize("path", ["lab.numbers", "`lab.numbers`", "`lab`.`numbers`", "lab.`numbers`"])
def test_a_table_answers_to_every_way_of_quoting_its_path(path: str, numbers: Catalog) -> None:
    assert [(c.name, c.type) for c in numbers.analyze(f"select service from {path}")] == [("service", "STRING")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select timestamp '2026-01-01' >= date '2026-01-01'", "No matching signature"),
        ("select coalesce(1, 'a')", "No matching signature"),
        ("select 1 as a, a + 1 as b", "Unrecognized name: a"),
        ("select count(*) filter (where true)", "Syntax error"),
        ("select [1] = [1]", "not defined for arguments of type ARRAY"),
        ("select qualify from unnest([1]) as qualify", "Unexpected keyword QUALIFY"),
        ("select missing\nfrom lab.numbers", r"Unrecognized name: missing \[at 1:8\]"),
    ],
)
def test_what_bigquery_rejects_is_rejected_with_the_place(sql: str, message: str, numbers: Catalog) -> None:
    with pytest.raises(SqlError, match=message):
        numbers.analyze(sql)


def test_a_failure_at_a_row_is_an_error_not_a_null(numbers: Catalog) -> None:
    with pytest.raises(SqlError, match="division by zero"):
        numbers.evaluate("select 1 / 0", {})


def test_approx_quantiles_becomes_the_nearest_rank(numbers: Catalog) -> None:
    # p95 of 1..20 ms: value number ceil(0.95 * 20) = 19: 19 ms
    rows = pa.table({"service": ["api"] * 21, "duration_ms": [float(n) for n in range(1, 21)] + [None]})
    sql = "select service, approx_quantiles(duration_ms, 100)[offset(95)] as p95_ms from lab.numbers group by service"
    assert numbers.evaluate(sql, {"lab.numbers": rows}).values == [("api", 19.0)]


def test_a_rewrite_keeps_every_line_in_its_place() -> None:
    sql = "select 1\nfrom `p`.`d`.`t`\njoin `p`.`d`.`t2` using (x)"
    assert rewrites.dotted(sql, ["p.d.t"]) == "select 1\nfrom `p.d.t`\njoin `p`.`d`.`t2` using (x)"
