"""Checksums of a lake's rows: DuckDB and the GoogleSQL reference implementation agree, and see a changed value."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import checksums, tables
from pipelines.payloads import SIGNALS
from tests.sql.googlesql import Catalog

DAYS = (date(2026, 11, 15), date(2026, 11, 16))
ODD = {
    "STRING": ["", "ümlaut 🚀", "a\x00b\nc", "-", None],
    "INT64": [0, -1, 2**63 - 1, -(2**63), None],
    "BOOL": [True, False, None, True, False],
    "FLOAT64": [0.1, -0.0, 1e300, float("inf"), float("nan")],
    "NUMERIC": [Decimal("12.5"), Decimal("-0.000000001"), Decimal(0), Decimal(10**20), None],
    "TIMESTAMP": [datetime(1999, 12, 31, 23, 59, 59, 999999, UTC), *[None] * 4],
}


def rows(table: str) -> pa.Table:
    """Five rows of two dates with values that engines might write differently."""
    made: list[dict[str, Any]] = []
    for i in range(5):
        row: dict[str, Any] = {}
        for column in tables.table(table)["schema"]["fields"]:
            if column["mode"] != "REPEATED" and column["type"] in ODD:
                row[column["name"]] = ODD[column["type"]][i]
        moment = datetime(2026, 11, 15 + i % 2, 12, tzinfo=UTC)
        made.append(row | {"payload_id": "p", "row_ordinal": i, tables.partition_column(table): moment})
    return pa.Table.from_pylist(made, schema=tables.arrow_schema(table))


def of_bigquery(table: str, given: pa.Table) -> checksums.Sums:
    catalog = Catalog()
    for name in (table, "ingest_ledger"):
        catalog.create(tables.ddl(name))
    entry = {"payload_id": "p", "unit_id": "u", "table_name": table}
    ledger = [entry | {"event_date": day} for day in DAYS]
    there = {
        f"observability.{table}": given,
        "observability.ingest_ledger": pa.Table.from_pylist(ledger, schema=tables.arrow_schema("ingest_ledger")),
    }
    days = dict.fromkeys(DAYS, (0, 0))
    return checksums.of_bigquery(
        lambda sql: catalog.evaluate(sql, there).records, "observability", table, ["u", "v"], days
    )


def of_lake(table: str, given: pa.Table, folder: Path) -> checksums.Sums:
    pq.write_table(given, folder / "part.parquet")
    return checksums.of_lake([folder / "part.parquet"], table)


@pytest.mark.parametrize("table", SIGNALS)
def test_both_engines_give_the_same_whatever_the_order_and_however_often_a_row_is_there(
    table: str, tmp_path: Path
) -> None:
    given = rows(table)
    wanted = of_lake(table, given, tmp_path)

    assert {day: count for day, (count, _) in wanted.items()} == {DAYS[0]: 3, DAYS[1]: 2}
    assert of_bigquery(table, given) == wanted
    again = pa.concat_tables([given.slice(3), given.slice(0, 3), given.slice(1, 1)])
    assert of_bigquery(table, again) == wanted


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("traces", "name", "GET /"), ("traces", "duration_ns", 1), ("metrics", "value", 0.10000000000000002)],
)
def test_a_changed_value_changes_the_checksum_of_its_date_only(
    table: str, column: str, value: object, tmp_path: Path
) -> None:
    given = rows(table)
    changed = given.to_pylist()
    changed[0][column] = value
    wanted = of_lake(table, given, tmp_path)
    found = of_bigquery(table, pa.Table.from_pylist(changed, schema=given.schema))

    assert found[DAYS[0]][0] == wanted[DAYS[0]][0]
    assert found[DAYS[0]][1] != wanted[DAYS[0]][1]
    assert found[DAYS[1]] == wanted[DAYS[1]]


@pytest.mark.parametrize("table", SIGNALS)
def test_rows_in_memory_are_found_by_unit_among_what_was_committed_last(table: str) -> None:
    """Unit v has the same payload: as one of its own. What u committed before, of another payload, is not asked for."""
    given = rows(table)
    other = given.set_column(given.schema.get_field_index("payload_id"), "payload_id", pa.array(["q"] * 5))
    wanted = checksums.of_rows(given, table)
    entries = [("u", "p", 2), ("v", "p", 1), ("u", "q", 1), ("w", "p", 3)]
    found = by_unit(table, entries, pa.concat_tables([given, other.cast(given.schema)]))

    assert {day: count for day, (count, _) in wanted.items()} == {DAYS[0]: 3, DAYS[1]: 2}
    assert found == {(unit, day): sums for unit in "uv" for day, sums in wanted.items()}


def test_payloads_are_counted_by_unit_among_what_was_committed_last() -> None:
    catalog, there = ledger_of("traces", [("u", "p", 2), ("u", "r", 2), ("u", "q", 1), ("v", "p", 1), ("w", "p", 1)])
    found = catalog.evaluate(checksums.payloads_by_unit("observability", ["u", "v"]), there).records

    assert {row["unit_id"]: (row["payload_count"], row["checksum"]) for row in found} == {
        # first 60 bits of md5("p") = 83878c91171338902e0f... and of md5("r") = 4b43b0aee35624cd95b9...
        "u": (2, 0x83878C911713389 ^ 0x4B43B0AEE35624C),
        "v": (1, 0x83878C911713389),
    }


def ledger_of(table: str, entries: list[tuple[str, str, int]]) -> tuple[Catalog, dict[str, pa.Table]]:
    """Of (unit, payload, hour of the commit), each with both dates."""
    catalog = Catalog()
    for name in (table, "ingest_ledger"):
        catalog.create(tables.ddl(name))
    told = [
        {
            "unit_id": unit,
            "payload_id": payload,
            "table_name": table,
            "event_date": day,
            "commit_time": datetime(2026, 11, 17, hour, tzinfo=UTC),
        }
        for unit, payload, hour in entries
        for day in DAYS
    ]
    return catalog, {
        "observability.ingest_ledger": pa.Table.from_pylist(told, schema=tables.arrow_schema("ingest_ledger"))
    }


def by_unit(table: str, entries: list[tuple[str, str, int]], given: pa.Table) -> dict[tuple[str, date], Any]:
    catalog, there = ledger_of(table, entries)
    columns = set(given.schema.names)
    statement = checksums.rows_by_unit("observability", table, ["u", "v"], *DAYS, columns)
    found = catalog.evaluate(statement, there | {f"observability.{table}": given}).records
    return {(row["unit_id"], row["event_date"]): (row["row_count"], row["checksum"]) for row in found}
