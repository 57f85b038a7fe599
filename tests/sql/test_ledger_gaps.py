"""The scheduled query of deploy/monitoring/ by GoogleSQL's reference implementation: it fails when one must look."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.sql.googlesql import Catalog, SqlError

NOW = datetime(2026, 11, 18, 6, tzinfo=UTC)
RECONCILED = pa.schema([("event_date", pa.date32()), ("table_name", pa.string()), ("unexplained_count", pa.int64())])
BUILDS = pa.schema([("build_time", pa.timestamp("us", "UTC"))])


def answered(repo: Path, *rows: tuple[int, str, int], built_hours_ago: int | None = 3) -> list[tuple[Any, ...]]:
    """What the query says of (days ago, table, unexplained_count), and of the last build that ended well."""
    catalog = Catalog(now=NOW)
    catalog.create(
        "create table marts.fct_reconciliation_daily (event_date date, table_name string, unexplained_count int64)"
    )
    catalog.create("create table marts_state.last_build (build_time timestamp)")
    counts = [((NOW - timedelta(days=days_ago)).date(), table, count) for days_ago, table, count in rows]
    builds = [] if built_hours_ago is None else [{"build_time": NOW - timedelta(hours=built_hours_ago)}]
    there = {
        "marts.fct_reconciliation_daily": pa.Table.from_pylist(
            [dict(zip(RECONCILED.names, row, strict=True)) for row in counts], schema=RECONCILED
        ),
        "marts_state.last_build": pa.Table.from_pylist(builds, schema=BUILDS),
    }
    return catalog.evaluate((repo / "deploy" / "monitoring" / "ledger_gaps.sql").read_text(), there).values


def test_days_without_gaps_pass_and_so_do_today_and_copies(repo: Path) -> None:
    assert answered(repo, (1, "traces", 0), (2, "logs", -5), (0, "traces", 9), (8, "traces", 9)) == [(None,)]


@pytest.mark.parametrize(
    ("rows", "built_hours_ago", "said"),
    [
        ([(1, "traces", 0), (3, "logs", 2)], 3, "1 gaps in the ledger, the latest: 2026-11-15 logs"),
        ([(0, "traces", 0)], 3, "no reconciliation of the last 7 days"),
        ([(1, "traces", 0)], 27, "no build has ended well since 2026-11-17 03:00:00"),
        ([(1, "traces", 0)], None, "no build has ended well yet"),
    ],
)
def test_what_must_be_looked_at_fails_the_query(
    repo: Path, rows: list[tuple[int, str, int]], built_hours_ago: int | None, said: str
) -> None:
    with pytest.raises(SqlError, match=said):
        answered(repo, *rows, built_hours_ago=built_hours_ago)
