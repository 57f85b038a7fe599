"""The query that copies dead letters out of BigQuery, by the GoogleSQL reference implementation."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from pipelines import tables
from pipelines.replay_bigquery import letters_query
from tests.sql.googlesql import Catalog

TIME = datetime(2026, 11, 17, 12, tzinfo=UTC)


def piece(letter: str, ordinal: int, reason: str = "bad_json", signal: str = "logs") -> dict[str, Any]:
    row = {"dead_letter_id": letter, "chunk_ordinal": ordinal, "reason": reason, "signal": signal, "ingest_time": TIME}
    return row | {"payload": b"x", "attributes": []}


def answers(letters: list[dict[str, Any]], done: list[str], **wanted: str) -> list[tuple[str, int]]:
    catalog = Catalog()
    for name in ("dead_letters", "ingest_ledger"):
        catalog.create(tables.ddl(name))
    ledger = [{"unit_id": unit, "engine": "replay", "event_date": date(2026, 11, 17)} for unit in done]
    there = {
        "observability.dead_letters": pa.Table.from_pylist(letters, schema=tables.arrow_schema("dead_letters")),
        "observability.ingest_ledger": pa.Table.from_pylist(ledger, schema=tables.arrow_schema("ingest_ledger")),
    }
    found = catalog.evaluate(letters_query("observability", **wanted), there).records
    return [(row["dead_letter_id"], row["chunk_ordinal"]) for row in found]


def test_pieces_come_once_together_and_without_those_that_are_done() -> None:
    letters = [piece("b", 1), piece("a", 0), piece("b", 0), piece("b", 1), piece("c", 0)]
    assert answers(letters, ["replay-c", "worker-1"]) == [("a", 0), ("b", 0), ("b", 1)]


def test_reason_and_signal_choose() -> None:
    letters = [piece("a", 0), piece("b", 0, reason="bad_protobuf"), piece("c", 0, signal="traces")]
    assert answers(letters, [], reason="bad_json") == [("a", 0), ("c", 0)]
    assert answers(letters, [], reason="bad_json", signal="traces") == [("c", 0)]
