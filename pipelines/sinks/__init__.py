"""Where rows go: a lake or BigQuery. What a sink does is said by `Sink` and `Writing`; uris.py makes one of its URI."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pyarrow as pa

from pipelines.checks import Check


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that a table would not take, by the payload it came from and its place in it, and the table's own words."""

    table: str
    payload_id: str
    row_ordinal: int
    error_text: str


class Writing(Protocol):
    """The rows of one unit on their way."""

    def add(self, table: str, day: date, rows: pa.RecordBatch) -> None:
        """Takes rows of one table and one UTC event date."""

    def publish(self) -> Collection[RefusedRow]:
        """Makes the rows durable; returns those that were refused, and then the unit must be written again without.

        Raises RunError or OSError: nothing is promised."""

    def discard(self) -> None:
        """Removes what can be removed of rows that were not published."""


class Units(Protocol):
    """Where units are written. A unit's data is published first; `commit` then writes its ledger entries."""

    def begin(self, unit_id: str) -> Writing:
        """Starts a unit."""

    def commit(self, unit_id: str, entries: pa.Table) -> None:
        """Writes rows of ingest_ledger: the unit is committed."""


class Sink(Units, Protocol):
    """Tables and their ledger."""

    @property
    def batch_seconds(self) -> float:
        """How long a unit should gather rows: what the sink takes well."""

    def checks(self) -> Iterator[Check]:
        """What must be fit before rows come: places, tables, permissions."""

    def claim(self, writer_id: str) -> None:
        """Says that units whose id starts with `writer_id` are this process's, until it ends."""

    def recover(self) -> None:
        """Removes what processes that ended midway published and never committed."""

    def known_payload_ids(self, since: date) -> Collection[str]:
        """Payloads that the ledger accounts for, received on `since` (UTC) or later; the latest last."""

    def left_out(self) -> Mapping[str, int]:
        """Values that tables have no column for, by `table.column`, since this was last asked."""

    def close(self) -> None:
        """Lets connections go."""
