"""What came in against what is there: counts taken outside the pipeline, ledger entries, the parts themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines import compaction, outside_counts, spilling
from pipelines.outside_counts import Key
from pipelines.payloads import SIGNALS

PARTED = (*SIGNALS, "dead_letters")

# In the SQL that DuckDB and BigQuery share, of the ledger's entries of one payload, table and date: rows that were
# written first, and rows that should be there. A payload seen by several units counts once; a replay adds rows that no
# other unit wrote.
_FIRST_ROWS = (
    "max(case when engine = 'replay' then 0 else cast(floor(written_row_count / delivery_count) as int64) end)"
)
_REPLAYED_ROWS = "sum(case when copy_number = 1 then replayed_row_count else 0 end)"
KEPT_ROWS = f"{_FIRST_ROWS} + {_REPLAYED_ROWS} - sum(erased_row_count + expired_row_count)"
# Entries as both read them: of two replays at once, both write those of a letter into BigQuery's ledger.
NUMBERED = """(
    select *, 1 as copy_number from {0} where engine <> 'replay'
    union all
    select
        *,
        row_number() over (partition by unit_id, payload_id, table_name, event_date order by commit_time) as copy_number
    from {0}
    where engine = 'replay'
)"""
BY_DATE = f"""payloads as (
        select
            table_name,
            event_date,
            payload_id,
            {_FIRST_ROWS} as first_row_count,
            {_REPLAYED_ROWS} as replayed_row_count,
            sum(written_row_count) as written_row_count
        from {NUMBERED.format("ledger")} as entries
        group by table_name, event_date, payload_id
    )

    select
        table_name,
        event_date,
        sum(first_row_count + replayed_row_count) as accounted,
        sum(written_row_count) as written,
        sum(replayed_row_count) as replayed
    from payloads
    where table_name <> 'dead_letters'
    group by table_name, event_date
"""
DEAD = """payloads as (
        select
            signal,
            payload_id,
            max(cast(floor(dead_lettered_row_count / delivery_count) as int64)) as row_count,
            max(cast(floor(unparsed_message_count / delivery_count) as int64)) as message_count
        from ledger
        where table_name = 'dead_letters'
        group by signal, payload_id
    )

    select signal, sum(row_count) as row_count, sum(message_count) as message_count from payloads group by signal
"""
_BY_PART = """
    select
        unit_id,
        table_name,
        event_date,
        sum(written_row_count - erased_row_count - expired_row_count + dead_lettered_row_count + unparsed_message_count)
    from ledger
    group by unit_id, table_name, event_date
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One table and event date. Row counts; `outside` is None where nobody counted.

    `accounted` are distinct rows written, `duplicates` the further copies that redeliveries left, `lost` rows that the
    ledger names and the lake no longer has, `uncommitted` rows in parts that no ledger entry names.
    """

    table: str
    event_date: str
    counted_by: str | None
    outside: int | None
    accounted: int
    duplicates: int
    replayed: int
    lost: int
    uncommitted: int

    @property
    def unexplained(self) -> int:
        missing = 0 if self.outside is None else self.outside - self.accounted
        return missing + self.lost + self.uncommitted


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Lines by table, date and counter; the dead letters by table; messages that nobody could parse."""

    lines: list[Line]
    dead_lettered: dict[str, int]
    unparsed_messages: int

    @property
    def unexplained(self) -> int:
        """Sum of absolute values: a surplus in one place explains no lack in another."""
        return sum(abs(line.unexplained) for line in self.lines)

    def document(self) -> dict[str, Any]:
        lines = [asdict(line) | {"unexplained": line.unexplained} for line in self.lines]
        return asdict(self) | {"lines": lines, "unexplained": self.unexplained}


def reconcile(lake: Path, *, verify: bool) -> Reconciliation:
    """Every table and date of a lake; with `verify` the parts are compared with what the ledger says of them."""
    with spilling.connect() as connection:
        connection.read_parquet(f"{lake}/ingest_ledger/*.parquet").create_view("ledger")
        by_date = {(row[0], row[1]): row[2:] for row in connection.execute(f"with {BY_DATE}").fetchall()}
        named = {row[:3]: int(row[3]) for row in connection.execute(_BY_PART).fetchall()}
        dead = {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(f"with {DEAD}").fetchall()}
    lost, uncommitted = _against_parts(lake, named) if verify else (Counter[Key](), Counter[Key]())
    return put_together(by_date, dead, outside_counts.found(lake), lost, uncommitted)


def put_together(
    by_date: Mapping[Key, Sequence[int]],
    dead: Mapping[str, tuple[int, int]],
    outside: Mapping[Key, Mapping[str | None, int | None]],
    lost: Counter[Key],
    uncommitted: Counter[Key],
) -> Reconciliation:
    """Lines of the answers to `BY_DATE`, by table and date, and to `DEAD`, by signal, beside the other counts."""
    return Reconciliation(
        lines=[
            Line(table, str(day), counter, count, accounted, written - accounted, replayed, lost[key], uncommitted[key])
            for key in sorted({*by_date, *outside, *lost, *uncommitted})
            for table, day in [key]
            for accounted, written, replayed in [map(int, by_date.get(key, (0, 0, 0)))]
            for counter, count in sorted(outside.get(key, {None: None}).items(), key=str)
        ],
        dead_lettered={signal: rows for signal, (rows, _) in sorted(dead.items()) if rows},
        unparsed_messages=sum(messages for _, messages in dead.values()),
    )


def _against_parts(lake: Path, named: Mapping[tuple[str, str, date], int]) -> tuple[Counter[Key], Counter[Key]]:
    """(rows that the ledger names and no part has, rows in parts of units that the ledger does not know). A unit that
    was committed since the ledger was read is left out."""
    found: Counter[tuple[str, str, date]] = Counter()
    for table in PARTED:
        for part in compaction.parts(lake, table):
            for stretch in part.stretches:
                row_count = stretch.row_count if table != "dead_letters" else _letter_count(part.path)
                found[stretch.unit_id, table, part.event_date] += row_count
    lost, uncommitted = Counter[Key](), Counter[Key]()
    read = {unit_id for unit_id, _, _ in named}
    committed = {path.stem for path in (lake / "ingest_ledger").glob("*.parquet")}
    for part_of in {*named, *found}:
        unit_id, table, day = part_of
        if unit_id not in committed:
            uncommitted[table, day] += found[part_of]
        elif unit_id in read and (difference := named.get(part_of, 0) - found[part_of]):
            lost[table, day] += difference
    return lost, uncommitted


def _letter_count(path: Path) -> int:
    """Dead letters of a part, however many pieces they have; none is compacted."""
    return pq.read_table(path, columns=["chunk_ordinal"], partitioning=None)["chunk_ordinal"].to_pylist().count(0)
