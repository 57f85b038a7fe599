"""`otelmart ledger --from bigquery:` by the GoogleSQL reference implementation: its lines are those of a lake."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import reconciliation, tables
from pipelines.reconciliation import Reconciliation
from pipelines.reconciliation_bigquery import reconcile, rows_query
from tests.sql.googlesql import Catalog

DAY = date(2026, 11, 16)
START = datetime(2026, 11, 16, 9, tzinfo=UTC)
COUNTS = ("accounted", "duplicates", "replayed", "lost", "uncommitted", "unexplained")
_ZERO = {
    "delivery_count": 1,
    **dict.fromkeys(
        (
            "dead_lettered_row_count", "unparsed_message_count", "replayed_row_count", "erased_row_count",
            "expired_row_count",
        ),
        0,
    ),
}  # fmt: skip


def entry(payload_id: str, row_count: int, unit: str = "u1", /, **more: Any) -> dict[str, Any]:
    said = {"payload_id": payload_id, "unit_id": unit, "signal": "traces", "table_name": "traces", "event_date": DAY}
    return _ZERO | said | {"engine": "worker", "written_row_count": row_count, "decoded_row_count": row_count} | more


def spans(payload_id: str, *ordinals: int) -> list[dict[str, Any]]:
    return [{"payload_id": payload_id, "row_ordinal": i, "start_time": START} for i in ordinals]


def outside(count: int) -> dict[str, Any]:
    return {"counted_by": "a test", "table_name": "traces", "event_date": DAY, "row_count": count}


def answered(**given: list[dict[str, Any]]) -> Reconciliation:
    """The reconciliation of a dataset with these rows, other columns NULL, other tables empty."""
    catalog, there = Catalog(), {}
    for name in tables.TABLES:
        catalog.create(tables.ddl(name))
        there[f"observability.{name}"] = pa.Table.from_pylist(given.get(name, []), schema=tables.arrow_schema(name))

    def rows(statement: str) -> Iterable[Mapping[str, Any]]:
        return catalog.evaluate(statement, there).records

    return reconcile("observability", rows, verify=True)


@pytest.mark.parametrize(
    ("entries", "rows", "counted", "wanted"),
    [
        ([entry("a", 2)], spans("a", 0, 1), [], (2, 0, 0, 0, 0, 0)),
        ([entry("a", 2), entry("a", 2, "u2")], spans("a", 0, 1, 1, 0), [], (2, 2, 0, 0, 0, 0)),  # written twice
        ([entry("a", 4, delivery_count=2)], spans("a", 0, 1), [], (2, 2, 0, 0, 0, 0)),
        ([entry("a", 2), entry("a", 1, "r", engine="replay", replayed_row_count=1)], spans("a", 0, 1, 2), [],
         (3, 0, 1, 0, 0, 0)),
        ([entry("a", 2), *[entry("a", 1, "r", engine="replay", replayed_row_count=1)] * 2], spans("a", 0, 1, 2, 2), [],
         (3, 1, 1, 0, 0, 0)),  # by two replays at once
        ([entry("a", 2)], spans("a", 0), [], (2, 0, 0, 1, 0, 1)),
        ([entry("a", 2, erased_row_count=1)], spans("a", 0), [], (2, 0, 0, 0, 0, 0)),
        ([entry("a", 2)], spans("a", 0, 1) + spans("b", 0, 1, 1), [], (2, 0, 0, 0, 2, 2)),
        ([entry("a", 2)], spans("a", 0, 1, 2), [], (2, 0, 0, -1, 0, -1)),  # more than its payload's entry says
        ([entry("a", 2)], spans("a", 0, 1), [outside(2), outside(3)], (2, 0, 0, 0, 0, 3)),  # two files of one counter
    ],
)  # fmt: skip
def test_a_line_says_what_is_explained(
    entries: list[dict[str, Any]], rows: list[dict[str, Any]], counted: list[dict[str, Any]], wanted: tuple[int, ...]
) -> None:
    (line,) = answered(ingest_ledger=entries, traces=rows, outside_counts=counted).lines

    assert (line.table, line.event_date) == ("traces", "2026-11-16")
    assert tuple(getattr(line, name) for name in COUNTS) == wanted


def test_dead_letters_are_counted_once_a_payload(tmp_path: Path) -> None:
    dead = {"table_name": "dead_letters", "written_row_count": 0}
    entries = [
        entry("a", 0, dead_lettered_row_count=2, **dead),
        entry("a", 0, "u2", dead_lettered_row_count=2, **dead),
        entry("b", 0, unparsed_message_count=1, signal="unknown", **dead),
    ]
    found = answered(ingest_ledger=entries)

    assert (found.dead_lettered, found.unparsed_messages, found.lines) == ({"traces": 2}, 1, [])
    (tmp_path / "ingest_ledger").mkdir()
    ledger = pa.Table.from_pylist(entries, schema=tables.arrow_schema("ingest_ledger"))
    pq.write_table(ledger, tmp_path / "ingest_ledger" / "u.parquet")
    assert reconciliation.reconcile(tmp_path, verify=False) == found  # DuckDB reads the same text alike


@pytest.mark.parametrize("name", ["logs", "metrics"])
def test_the_query_is_googlesql_for_every_table(name: str) -> None:
    catalog = Catalog()
    for each in (name, "ingest_ledger"):
        catalog.create(tables.ddl(each))

    assert [column.name for column in catalog.analyze(rows_query("observability", name))] == [
        "event_date", "lost", "uncommitted",
    ]  # fmt: skip
