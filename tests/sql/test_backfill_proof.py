"""The query that proves a backfill, by the GoogleSQL reference implementation: it counts rows by their place, once."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from pipelines import tables
from pipelines.backfill import proof
from tests.sql.googlesql import Catalog

RECEIVED = datetime(2026, 11, 17, 12, tzinfo=UTC)
DAY = date(2026, 11, 16)


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a table, other columns NULL."""
    return pa.Table.from_pylist(rows, schema=tables.arrow_schema(name))


def entry(payload_id: str, row_count: int, received: datetime = RECEIVED, day: date = DAY) -> dict[str, Any]:
    said = {"payload_id": payload_id, "table_name": "traces", "event_date": day, "receive_time": received}
    counts = dict.fromkeys(("replayed_row_count", "erased_row_count", "expired_row_count"), 0)
    return said | counts | {"engine": "worker", "written_row_count": row_count, "delivery_count": 1}


def replayed(payload_id: str, row_count: int) -> dict[str, Any]:
    return entry(payload_id, row_count) | {"engine": "replay", "replayed_row_count": row_count}


def spans(payload_id: str, *ordinals: int) -> list[dict[str, Any]]:
    started = datetime(2026, 11, 16, 9, tzinfo=UTC)
    return [{"payload_id": payload_id, "row_ordinal": i, "start_time": started} for i in ordinals]


@pytest.mark.parametrize(
    ("entries", "rows", "wanted"),
    [
        ([], spans("a", 0), (0, 0, 0)),
        ([entry("a", 2)], spans("a", 0, 1), (1, 2, 0)),
        ([entry("a", 2), entry("a", 2)], spans("a", 0, 1, 1, 0), (1, 2, 0)),  # delivered twice, written twice
        ([entry("a", 4) | {"delivery_count": 2}], spans("a", 0, 1, 0, 1), (1, 2, 0)),  # delivered twice to one unit
        ([entry("a", 2) | {"expired_row_count": 1}], spans("a", 1), (1, 1, 0)),
        ([entry("a", 2), replayed("a", 1)], spans("a", 0, 1, 2), (1, 3, 0)),  # a dead letter put back
        ([entry("a", 2), replayed("a", 1), replayed("a", 1)], spans("a", 0, 1, 2, 2), (1, 3, 0)),  # by two at once
        ([entry("a", 2), entry("b", 1)], spans("a", 0), (2, 3, 2)),
        ([entry("a", 1), entry("b", 1, datetime(2026, 11, 20, tzinfo=UTC))], spans("a", 0), (1, 1, 0)),
        ([entry("a", 1), entry("a", 1, day=date(2026, 11, 15))], spans("a", 0), (1, 2, 1)),  # the other date's is gone
    ],
)
def test_payloads_without_all_their_rows_are_counted(
    entries: list[dict[str, Any]], rows: list[dict[str, Any]], wanted: tuple[int, int, int]
) -> None:
    catalog = Catalog()
    for name in ("traces", "ingest_ledger"):
        catalog.create(tables.ddl(name))
    there = {
        "observability.traces": table("traces", rows),
        "observability.ingest_ledger": table("ingest_ledger", entries),
    }
    (found,) = catalog.evaluate(proof("observability", "traces", date(2026, 11, 16), date(2026, 11, 18)), there).records

    assert (found["payload_count"], found["row_count"], found["lacking_count"]) == wanted


@pytest.mark.parametrize("name", ["logs", "metrics"])
def test_the_query_is_googlesql_for_every_table(name: str) -> None:
    catalog = Catalog()
    for each in (name, "ingest_ledger"):
        catalog.create(tables.ddl(each))

    columns = catalog.analyze(proof("observability", name, DAY, DAY))
    assert [column.name for column in columns] == ["payload_count", "row_count", "lacking_count"]
