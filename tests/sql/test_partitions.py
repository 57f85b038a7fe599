"""The check of partition filters itself: what narrows a read in BigQuery, and what only looks as if."""

import re

import pytest

from tests.bench.bench_cost import days_around
from tests.sql.dbt_project import Project
from tests.sql.googlesql import Catalog
from tests.sql.partitions import FOR_PARTITIONS, left_open, unfiltered_reads

TRACES, LEDGER = "observability.traces", "observability.ingest_ledger"
PARTITIONS = {TRACES: [(TRACES, frozenset({"start_time"}))], LEDGER: [(LEDGER, frozenset({"event_date"}))]}
DAY = "date '2026-11-18'"


def wide_reads(raw_tables: Catalog, sql: str) -> list[str]:
    """`table@line` of each read that nothing narrows."""
    found = unfiltered_reads(raw_tables.resolve(sql, **FOR_PARTITIONS), PARTITIONS)
    return [f"{r.table.split('.')[1]}@{sql.encode()[: r.offset].count(10) + 1}" for r in found]


@pytest.mark.parametrize(
    "sql",
    [
        f"select name from observability.traces where date(start_time) = {DAY}",
        "select name from observability.traces where start_time >= timestamp_sub(current_timestamp(), interval 2 day)",
        f"select name from observability.traces where kind = 'SERVER' and date(start_time) in ({DAY})",
        f"select name from observability.traces where cast(start_time as date) between {DAY} and {DAY}",
        f"select name from observability.traces where date(start_time) = {DAY} or date(start_time) > {DAY}",
        f"""with s as (select *, date(start_time) as event_date from observability.traces)
            select name from s where event_date in ({DAY})""",
        f"""select service_name from (
                select service_name, date(start_time) as event_date, count(*) as n
                from observability.traces group by service_name, event_date
            ) where event_date = {DAY}""",
        f"""select name, row_number() over (partition by trace_id, date(start_time) order by span_id) as n
            from (select *, start_time as t from observability.traces) where date(t) = {DAY} qualify n = 1""",
        f"""select d from (
                select date(start_time) as d from observability.traces
                union all select event_date from observability.ingest_ledger
            ) where d = {DAY}""",
        f"""select t.name from observability.traces as t join observability.ingest_ledger as l using (payload_id)
            where date(t.start_time) = {DAY} and l.event_date = {DAY}""",
        f"""with per_day as (select date(start_time) as d, count(*) as n from observability.traces group by d)
            select n from per_day where d = {DAY}""",
        "with unused as (select * from observability.traces) select 1 as one",
    ],
)
def test_a_read_that_a_filter_narrows_is_let_pass(sql: str, raw_tables: Catalog) -> None:
    assert wide_reads(raw_tables, sql) == []


@pytest.mark.parametrize(
    ("sql", "wide"),
    [
        ("select name\nfrom observability.traces", ["traces@2"]),
        ("select name from observability.traces where start_time is not null", ["traces@1"]),
        ("select name from observability.traces where start_time > end_time", ["traces@1"]),
        (f"select name from observability.traces where date(start_time) = {DAY} or kind = 'SERVER'", ["traces@1"]),
        (f"select name from observability.traces where date(end_time) = {DAY}", ["traces@1"]),
        (
            "select name from observability.traces\n"
            "where date(start_time) in (select event_date from observability.ingest_ledger)",
            ["traces@1", "ingest_ledger@2"],
        ),
        (
            f"""select name from (
                select name, date(start_time) as d, row_number() over (partition by trace_id order by span_id) as n
                from observability.traces
            ) where d = {DAY} and n = 1""",
            ["traces@3"],
        ),
        (
            f"""with s as (select *, date(start_time) as event_date from observability.traces)
            select a.name from s as a join s as b using (trace_id) where a.event_date = {DAY}""",
            ["traces@1"],
        ),
        (f"select name from (select * from observability.traces limit 9) where date(start_time) = {DAY}", ["traces@1"]),
        (
            f"""select date(start_time) as d from observability.traces where date(start_time) = {DAY}
            union all
            select event_date from observability.ingest_ledger""",
            ["ingest_ledger@3"],
        ),
        ("select (select count(*) from observability.traces) as n", ["traces@1"]),
    ],
)
def test_a_read_that_nothing_narrows_is_named_with_its_line(sql: str, wide: list[str], raw_tables: Catalog) -> None:
    assert wide_reads(raw_tables, sql) == wide


def test_a_view_hands_its_partition_on_under_the_name_it_gives_it(raw_tables: Catalog) -> None:
    view = "select name, date(start_time) as event_date from observability.traces"
    statement = raw_tables.resolve(view, **FOR_PARTITIONS)
    assert left_open(statement, PARTITIONS) == [(TRACES, frozenset({"event_date"}))]


def test_models_read_the_days_that_the_cost_page_counts(incremental: Project) -> None:
    """It is 2026-11-18 and three days back count as changed: 15 to 18, as days of November below."""
    nodes = {key: node for key, node in incremental.manifest["nodes"].items() if node["resource_type"] == "model"}
    dated = {key: node for key, node in nodes.items() if node["config"]["materialized"] == "incremental"}
    assert len(dated) > 50
    for key, node in dated.items():
        spans = r"\bin \(date '[^)]+\)|\bbetween date '[^']+' and date '[^']+'"
        lists = " ".join(re.findall(spans, node["compiled_code"]))
        days = [(int(month) - 11) * 30 + int(day) for month, day in re.findall(r"-(\d\d)-(\d\d)'", lists)]
        around = days_around(incremental.manifest, key)
        assert (min(days), max(days)) == (15 - around.read_before, 18 + around.read_after), node["name"]
