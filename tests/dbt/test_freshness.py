"""`dbt source freshness` over a lake: what came within the hour passes, what has been silent for longer is told."""

import json
from datetime import UTC, datetime, timedelta

from tests.dbt.conftest import Builder


def test_a_table_silent_for_an_hour_warns_and_for_six_fails(builder: Builder) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    traced = {"trace_id": "t1", "span_id": "a", "service_name": "web"}
    begun = now - timedelta(minutes=10)
    builder.lake.add("u1", "traces", [{"start_time": begun, "end_time": begun, **traced}])
    builder.lake.add("u2", "logs", [{"time": now - timedelta(hours=2), "body": "hello", "service_name": "web"}])
    builder.lake.add("u3", "metrics", [{"time": now - timedelta(hours=7), "metric_name": "m", "service_name": "web"}])
    assert _states(builder) == (1, {"traces": "pass", "logs": "warn", "metrics": "error"})

    builder.lake.add("u4", "logs", [{"time": now, "body": "hello", "service_name": "web"}])
    builder.lake.add("u5", "metrics", [{"time": now, "metric_name": "m", "service_name": "web"}])
    assert _states(builder) == (0, {"traces": "pass", "logs": "pass", "metrics": "pass"})


def _states(builder: Builder) -> tuple[int, dict[str, str]]:
    """(exit code, {table: what dbt says of it})."""
    ran = builder.dbt("source", "freshness")
    ran.communicate()
    results = json.loads((builder.warehouse.parent / "dbt" / "target" / "sources.json").read_text())["results"]
    return ran.returncode, {result["unique_id"].split(".")[-1]: result["status"] for result in results}
