"""A lake of one evening of the demo shop: whole sessions, and small enough for the reference implementation."""

import os
import shutil
import subprocess
from pathlib import Path

import duckdb

from pipelines import tables

DEMO = ("--days", "1", "--users", "300", "--start", "2026-11-16")
DAY = "2026-11-16"
# An evening and all logins; of the health checks, which are most of the traffic, ten minutes; of the metrics one hour.
KEPT = {
    "traces": "(hour(start_time) in (17, 18, 19) or name = 'user.login')"
    " and (name not like '%healthz%' or start_time < '{day} 17:10+00')",
    "logs": "hour(time) in (17, 18, 19) and (body is distinct from 'health check ok' or time < '{day} 17:10+00')",
    "metrics": "hour(time) = 18",
    "dead_letters": "true",
}
# In a twelfth of the traces a server span takes the id of the client span above it, as Zipkin's tracers do.
AS_ZIPKIN = """
    with sent as ({rows}),

    shared as (
        select distinct servers.trace_id, servers.span_id, clients.span_id as new_span_id, clients.parent_span_id
        from sent as servers
        inner join sent as clients
            on clients.trace_id = servers.trace_id and clients.span_id = servers.parent_span_id
        where servers.kind = 'SERVER' and clients.kind = 'CLIENT' and servers.trace_id < '15'
    )

    select sent.* replace (
        coalesce(own.new_span_id, sent.span_id) as span_id,
        case
            when own.span_id is not null then own.parent_span_id
            else coalesce(above.new_span_id, sent.parent_span_id)
        end as parent_span_id
    )
    from sent
    left join shared as own on own.trace_id = sent.trace_id and own.span_id = sent.span_id
    left join shared as above on above.trace_id = sent.trace_id and above.span_id = sent.parent_span_id
"""
# Exponential histograms of two scales: as a series whose values lie far apart, whose buckets end above any float.
AS_WIDE = """
    select * replace (
        case when metric_type = 'EXPONENTIAL_HISTOGRAM' and minute(time) < 10 then -10 else scale end as scale
    )
    from ({rows})
"""
CHANGED = {"traces": AS_ZIPKIN, "metrics": AS_WIDE}


def make(lake: Path, scratch: Path, otelmart: str) -> None:
    """Writes the lake; `scratch` takes the whole demo and its lake."""
    env = {**os.environ, "OTELMART_PRIVACY_KEY": "a key for tests"}
    demo, whole = scratch / "demo", scratch / "lake"
    for command in (
        ["demo", "--to", str(demo), *DEMO],
        ["ingest", "--runner", "plain", "--from", f"files:{demo}", "--to", f"lake:{whole}"],
    ):
        subprocess.run([otelmart, *command], check=True, env=env, capture_output=True)
    for table, condition in KEPT.items():
        _copy_rows(whole, lake, table, condition.format(day=DAY))
    for table in set(tables.TABLES) - set(KEPT):
        shutil.copytree(whole / table, lake / table)


def _copy_rows(whole: Path, lake: Path, table: str, condition: str) -> None:
    with duckdb.connect() as connection:
        connection.sql("set TimeZone = 'UTC'")
        rows = f"select * from read_parquet('{whole / table}/*/*.parquet', hive_partitioning = true) where {condition}"
        rows = CHANGED[table].format(rows=rows) if table in CHANGED else rows
        (lake / table).mkdir(parents=True)
        connection.sql(f"copy ({rows}) to '{lake / table}' (format parquet, partition_by (event_date), overwrite)")
