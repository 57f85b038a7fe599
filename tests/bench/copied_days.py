"""A lake of many days made from one of few: the same rows day after day, with ids of their own."""

from pathlib import Path

import duckdb

LATER = "to_days(cast(shift as integer))"
NANO = "shift * 86400 * 1000000000"
COPIED_ID = "printf('%04x', k) || substr({0}, 5)"
TABLES = {
    "traces": f"""start_time + {LATER} as start_time, end_time + {LATER} as end_time,
        start_time_unix_nano + {NANO} as start_time_unix_nano, end_time_unix_nano + {NANO} as end_time_unix_nano,
        {COPIED_ID.format("trace_id")} as trace_id""",
    "logs": f"""time + {LATER} as time, time_unix_nano + {NANO} as time_unix_nano,
        {COPIED_ID.format("trace_id")} as trace_id""",
    "metrics": f"""time + {LATER} as time, start_time + {LATER} as start_time,
        time_unix_nano + {NANO} as time_unix_nano, start_time_unix_nano + {NANO} as start_time_unix_nano""",
}
COMMON = f"""{COPIED_ID.format("payload_id")} as payload_id, ingest_time + {LATER} as ingest_time,
    event_date + cast(shift as integer) as event_date"""


def copy_days(source: Path, lake: Path, copies: range, days_a_copy: int, name: str, where: str = "true") -> None:
    """Writes copies of `source`, each so many days after the one before, as parts called `name` with their ledger.

    `where` chooses among the copied rows, and among the ledger's entries, by what both have (`event_date`).
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        for copy in copies:
            number = f"(select {copy} as k, cast({copy * days_a_copy} as bigint) as shift)"
            for table, shifted in TABLES.items():
                rows = f"""select * exclude (k, shift) replace ({shifted}, {COMMON})
                    from read_parquet('{source}/{table}/*/*.parquet', hive_partitioning = true), {number}"""
                (lake / table).mkdir(parents=True, exist_ok=True)
                connection.execute(
                    f"copy (select * from ({rows}) where {where}) to '{lake}/{table}' (format parquet,"
                    f" compression zstd, partition_by (event_date), filename_pattern '{name}{copy}-{{i}}',"
                    " overwrite_or_ignore)"
                )
            entries = f"""select * exclude (k, shift) replace ({COPIED_ID.format("payload_id")} as payload_id,
                    {COPIED_ID.format("unit_id")} as unit_id, receive_time + {LATER} as receive_time,
                    event_date + cast(shift as integer) as event_date)
                from read_parquet('{source}/ingest_ledger/*.parquet'), {number}"""
            (lake / "ingest_ledger").mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy (select * from ({entries}) where {where})"
                f" to '{lake}/ingest_ledger/{name}{copy}.parquet' (format parquet)"
            )
