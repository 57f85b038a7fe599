"""A checksum of rows by event date, whatever their order: here and of a lake by DuckDB, of BigQuery by GoogleSQL.

A row's text is each plain column, by name, as its length and its value; its hash the first 60 bits of the text's MD5;
a date's checksum the exclusive or of its rows' hashes, a row that is there twice once. Lists and records are left out,
and what differs between deliveries of one payload.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipelines import spilling, tables

HEX_DIGITS: Final = 15
OF_DELIVERY: Final = ("ingest_time", "schema_version")
Sums = dict[date, tuple[int, int]]
_HASH = f"cast(concat('0x', substr(to_hex(md5({{}})), 1, {HEX_DIGITS})) as int64)"
_BIGQUERY = {
    "STRING": "`{}`",
    "INT64": "cast(`{}` as string)",
    "BOOL": "cast(`{}` as string)",
    "TIMESTAMP": "cast(unix_micros(`{}`) as string)",
    "NUMERIC": "format('%.9f', `{}`)",
    "FLOAT64": "format('%.16e', `{}` + 0.0)",  # 17 digits tell any two apart, and -0.0 is 0.0
}
_DUCKDB = {
    "STRING": '"{}"',
    "INT64": 'cast("{}" as varchar)',
    "BOOL": 'cast("{}" as varchar)',
    "TIMESTAMP": 'cast(epoch_us("{}") as varchar)',
    "NUMERIC": 'cast("{}" as varchar)',  # has nine digits after the point
    "FLOAT64": "printf('%.16e', \"{}\" + 0.0)",
}


def of_lake(parts: Sequence[Path], table: str) -> Sums:
    """{event date: (rows, checksum)} of Parquet parts."""
    if not parts:
        return {}
    with spilling.connect() as connection:
        files = [str(part) for part in parts]
        connection.read_parquet(files, union_by_name=True, hive_partitioning=False).create_view("parts")
        return _sums(connection, table)


def of_rows(rows: pa.Table, table: str) -> Sums:
    """The same of rows that are in memory."""
    with spilling.connect() as connection:
        connection.register("parts", rows)
        return _sums(connection, table)


def _sums(connection: DuckDBPyConnection, table: str) -> Sums:
    """Of the view `parts`."""
    present = {name for name, *_ in connection.execute("describe parts").fetchall()}
    found = connection.execute(f"""
        with hashed as (
            select distinct
                payload_id,
                row_ordinal,
                cast("{tables.partition_column(table)}" as date) as event_date,
                cast('0x' || left(md5({_text(table, _DUCKDB, "varchar", present)}), {HEX_DIGITS}) as int64) as hash
            from parts
        )

        select event_date, count(*), bit_xor(hash) from hashed group by event_date
    """).fetchall()
    return {day: (count, checksum) for day, count, checksum in found}


def of_bigquery(
    rows: Callable[[str], Iterable[Mapping[str, Any]]], dataset: str, table: str, units: Iterable[str], days: Sums
) -> Sums:
    """The same of the payloads that the ledger of PROJECT.DATASET has of these units, on these dates."""
    if not days:
        return {}
    found = rows(query(dataset, table, units, min(days), max(days)))
    return {row["event_date"]: (row["row_count"], row["checksum"]) for row in found}


def query(dataset: str, table: str, units: Iterable[str], first: date, last: date) -> str:
    """GoogleSQL of the checksums; reads the plain columns of these dates."""
    column = tables.partition_column(table)
    named = ", ".join(f"'{unit}'" for unit in units)
    return f"""
with loaded as (
  select distinct payload_id
  from `{dataset}.ingest_ledger`
  where event_date between '{first}' and '{last}' and table_name = '{table}' and unit_id in ({named})
),
hashed as (
  select distinct
    payload_id,
    row_ordinal,
    date(`{column}`) as event_date,
    {_HASH.format(_text(table, _BIGQUERY, "string"))} as row_hash
  from `{dataset}.{table}`
  where date(`{column}`) between '{first}' and '{last}' and payload_id in (select payload_id from loaded)
)
select event_date, count(*) as row_count, bit_xor(row_hash) as checksum
from hashed
group by event_date"""


def payloads_by_unit(dataset: str, units: Iterable[str]) -> str:
    """GoogleSQL of the payloads that the ledger has of these units by what was committed last: count and checksum."""
    return f"""
with {_committed_last(dataset, units)},
hashed as (
  select distinct unit_id, payload_id, {_HASH.format("payload_id")} as id_hash
  from committed
)
select unit_id, count(*) as payload_count, bit_xor(id_hash) as checksum
from hashed
group by unit_id"""


def rows_by_unit(dataset: str, table: str, units: Iterable[str], first: date, last: date, present: set[str]) -> str:
    """GoogleSQL of the checksums of the same payloads' rows, by unit and event date; of the columns that there are."""
    column = tables.partition_column(table)
    return f"""
with {_committed_last(dataset, units)},
loaded as (
  select distinct unit_id, payload_id
  from committed
  where table_name = '{table}'
),
hashed as (
  select distinct
    payload_id,
    row_ordinal,
    date(`{column}`) as event_date,
    {_HASH.format(_text(table, _BIGQUERY, "string", present))} as row_hash
  from `{dataset}.{table}`
  where date(`{column}`) between '{first}' and '{last}' and payload_id in (select payload_id from loaded)
)
select loaded.unit_id, hashed.event_date, count(*) as row_count, bit_xor(hashed.row_hash) as checksum
from hashed join loaded on hashed.payload_id = loaded.payload_id
group by loaded.unit_id, hashed.event_date"""


def _committed_last(dataset: str, units: Iterable[str]) -> str:
    """A unit whose ledger entries were deleted is committed again, as far as they lack: only that was decoded now."""
    named = ", ".join(f"'{unit}'" for unit in units)
    return f"""latest as (
  select unit_id, max(commit_time) as commit_time
  from `{dataset}.ingest_ledger`
  where event_date >= '1970-01-01' and unit_id in ({named})
  group by unit_id
),
committed as (
  select entries.unit_id, entries.payload_id, entries.table_name
  from `{dataset}.ingest_ledger` as entries
  join latest on entries.unit_id = latest.unit_id and entries.commit_time = latest.commit_time
  where entries.event_date >= '1970-01-01'
)"""


def compared(table: str) -> set[str]:
    """Columns that a checksum is made of."""
    return {column["name"] for column in _plain(table, _BIGQUERY)}


def _plain(table: str, forms: Mapping[str, str]) -> list[Mapping[str, Any]]:
    return [
        column
        for column in tables.table(table)["schema"]["fields"]
        if column["mode"] != "REPEATED" and column["type"] in forms and column["name"] not in OF_DELIVERY
    ]


def _text(table: str, forms: Mapping[str, str], text_type: str, present: set[str] | None = None) -> str:
    """SQL of a row's text; a column that is not present is NULL."""
    plain = [(column["name"], forms[column["type"]]) for column in _plain(table, forms)]
    told = [
        f"coalesce(cast(length({value}) as {text_type}) || ':' || {value}, '-')"
        if present is None or name in present
        else "'-'"
        for name, form in sorted(plain)
        for value in [form.format(name)]
    ]
    return f"concat({', '.join(told)})"
