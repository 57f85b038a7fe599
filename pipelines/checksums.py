"""A checksum of rows by event date, whatever their order: of a lake by DuckDB, of BigQuery by GoogleSQL.

A row's text is each plain column, by name, as its length and its value; its hash the first 60 bits of the text's MD5;
a date's checksum the exclusive or of its rows' hashes, a row that is there twice once. Lists and records are left out,
and what differs between deliveries of one payload.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from pipelines import spilling, tables

HEX_DIGITS: Final = 15
OF_DELIVERY: Final = ("ingest_time", "schema_version")
Sums = dict[date, tuple[int, int]]
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
        present = {name for name, *_ in connection.execute("describe parts").fetchall()}
        text = _text(table, _DUCKDB, "varchar", present)
        found = connection.execute(f"""
            with hashed as (
                select distinct
                    payload_id,
                    row_ordinal,
                    cast("{tables.partition_column(table)}" as date) as event_date,
                    cast('0x' || left(md5({text}), {HEX_DIGITS}) as int64) as hash
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
    cast(concat('0x', substr(to_hex(md5({_text(table, _BIGQUERY, "string")})), 1, {HEX_DIGITS})) as int64) as row_hash
  from `{dataset}.{table}`
  where date(`{column}`) between '{first}' and '{last}' and payload_id in (select payload_id from loaded)
)
select event_date, count(*) as row_count, bit_xor(row_hash) as checksum
from hashed
group by event_date"""


def _text(table: str, forms: Mapping[str, str], text_type: str, present: set[str] | None = None) -> str:
    """SQL of a row's text; a column that is not present is NULL."""
    plain = [
        (column["name"], forms[column["type"]])
        for column in tables.table(table)["schema"]["fields"]
        if column["mode"] != "REPEATED" and column["type"] in forms and column["name"] not in OF_DELIVERY
    ]
    told = [
        f"coalesce(cast(length({value}) as {text_type}) || ':' || {value}, '-')"
        if present is None or name in present
        else "'-'"
        for name, form in sorted(plain)
        for value in [form.format(name)]
    ]
    return f"concat({', '.join(told)})"
