"""What came in against what is there, in a BigQuery dataset: the same lines as of a lake, by GoogleSQL."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipelines.outside_counts import Key
from pipelines.payloads import SIGNALS
from pipelines.reconciliation import BY_DATE, DEAD, KEPT_ROWS, NUMBERED, Reconciliation, put_together
from pipelines.tables import partition_column

Ask = Callable[[str], Iterable[Mapping[str, Any]]]


def reconcile(dataset: str, rows: Ask, *, verify: bool) -> Reconciliation:
    """Every table and date of PROJECT.DATASET; `rows` gives those of a statement, columns in their order.

    With `verify` the rows of spans, log records and metric points are compared with the ledger: all are read. A row
    that is there twice counts once.
    """
    ledger = f"with ledger as (select * from `{dataset}.ingest_ledger` where event_date >= '1970-01-01'), "
    by_date: dict[Key, tuple[int, int, int]] = {}
    for table, day, *counts in map(dict.values, map(dict, rows(ledger + BY_DATE))):
        by_date[table, day] = (counts[0], counts[1], counts[2])
    dead = {row["signal"]: (row["row_count"], row["message_count"]) for row in rows(ledger + DEAD)}
    outside: dict[Key, dict[str | None, int | None]] = {}
    for row in rows(outside_query(dataset)):
        outside.setdefault((row["table_name"], row["event_date"]), {})[row["counted_by"]] = row["row_count"]
    lost, uncommitted = Counter[Key](), Counter[Key]()
    for table in SIGNALS if verify else ():
        for row in rows(rows_query(dataset, table)):
            lost[table, row["event_date"]] = row["lost"]
            uncommitted[table, row["event_date"]] = row["uncommitted"]
    return put_together(by_date, dead, outside, lost, uncommitted)


def outside_query(dataset: str) -> str:
    """GoogleSQL: rows counted outside, by table, date and counter."""
    return f"""
select table_name, event_date, counted_by, sum(row_count) as row_count
from `{dataset}.outside_counts`
where event_date >= '1970-01-01'
group by table_name, event_date, counted_by"""


def rows_query(dataset: str, table: str) -> str:
    """GoogleSQL, by date: rows that the ledger names and the table lacks, rows of payloads that it does not name."""
    column = partition_column(table)
    return f"""
with said as (
  select
    payload_id,
    event_date,
    {KEPT_ROWS} as row_count
  from {NUMBERED.format(f"`{dataset}.ingest_ledger`")} as entries
  where event_date >= '1970-01-01' and table_name = '{table}'
  group by payload_id, event_date
),
there as (
  select payload_id, date({column}) as event_date, count(distinct row_ordinal) as row_count
  from `{dataset}.{table}`
  where date({column}) >= '1970-01-01'
  group by payload_id, date({column})
)
select
  coalesce(said.event_date, there.event_date) as event_date,
  sum(case when said.payload_id is null then 0 else said.row_count - coalesce(there.row_count, 0) end) as lost,
  sum(case when said.payload_id is null then there.row_count else 0 end) as uncommitted
from said full join there on there.payload_id = said.payload_id and there.event_date = said.event_date
group by coalesce(said.event_date, there.event_date)
having lost != 0 or uncommitted != 0"""
