"""Telemetry captured from real SDKs, loaded and built by the commands a user types, has the numbers of its truth.json.

truth.json was computed with the official protobuf classes when the data was captured: nothing of otelmart is in it.
"""

import json
import os
import subprocess
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

CAPTURED = Path(__file__).resolve().parent.parent / "data" / "captured"
APPS = ("demo-shop", "oscar-old", "browser-json")
SKETCH_ERROR = 0.01  # half a bucket of the log-bucket sketch, growth 1.02


class Captured(NamedTuple):
    """One captured application: its truth, its lake and its marts."""

    truth: dict[str, Any]
    lake: Path
    warehouse: Path

    def lake_counts(self, table: str, columns: str) -> Counter[tuple[Any, ...]]:
        return _counts(duckdb.sql(f"select {columns}, count(*) from '{self.lake}/{table}/*/*.parquet' group by all"))

    def mart(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.sql(sql).fetchall()


@pytest.fixture(scope="module", params=APPS)
def captured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, otelmart: str) -> Captured:
    """Each captured application, ingested into a lake and built into marts."""
    place = tmp_path_factory.mktemp(request.param)
    with tarfile.open(CAPTURED / f"{request.param}.tar.xz") as archive:
        archive.extractall(place, filter="data")
    source = next(path.parent for path in place.rglob("truth.json"))
    lake, warehouse = place / "lake", place / "warehouse.duckdb"
    _run(place, otelmart, "ingest", "--from", f"files:{source}", "--to", f"lake:{lake}", "--runner", "plain")
    _run(place, otelmart, "build", "--lake", str(lake), "--warehouse", str(warehouse))
    return Captured(json.loads((source / "truth.json").read_text()), lake, warehouse)


def test_the_lake_holds_every_span_by_service_kind_and_status(captured: Captured) -> None:
    rows = captured.lake_counts("traces", "service_name, kind, status_code")
    truth = captured.truth["spans"]
    for position, key in enumerate(("by_service", "by_kind", "by_status")):
        found: Counter[str] = Counter()
        for row, count in rows.items():
            found[row[position]] += count
        assert found == truth[key]


def test_the_lake_holds_every_record_and_point(captured: Captured) -> None:
    for table, truth_count in (
        ("logs", captured.truth["logs"]["total"]),
        ("metrics", captured.truth["metrics"]["points"]),
    ):
        found = captured.lake_counts(table, "service_name") if truth_count else Counter()
        assert sum(found.values()) == truth_count


def test_requests_by_route_and_method_are_the_server_spans_of_the_truth(captured: Captured) -> None:
    found = captured.mart("""
        select service_name, operation, http_method, sum(observed_request_count) from marts.fct_latency_daily
        where service_name || '|' || operation in (
            select service_name || '|' || coalesce(http_route, name) from marts_staging.stg_otel__spans
            where span_kind = 'SERVER'
        )
        group by all
    """)
    expected: Counter[tuple[str, str]] = Counter()
    for key, count in captured.truth["spans"]["http_service_kind_route_method_status"].items():
        service, kind = key.split("|")[:2]
        if kind == "SERVER":
            expected[(service, key.split("|")[-2])] += count
    by_service_and_method: Counter[tuple[str, str]] = Counter()
    for service, _, method, count in found:
        by_service_and_method[(service, method)] += int(count)
    assert by_service_and_method == expected


def test_percentiles_of_requests_are_within_one_percent_of_the_exact_ones(captured: Captured) -> None:
    truth = captured.truth["spans"]["durations_by_service_name"]
    found = captured.mart("""
        select service_name || '|' || http_method || ' ' || operation, observed_request_count,
            p50_duration_ms, p95_duration_ms, p99_duration_ms, max_duration_ms
        from marts.fct_latency_daily
    """)
    compared = 0
    for name, count, p50, p95, p99, longest in found:
        exact = truth.get(name)
        if exact is None or exact["n"] != count:  # no route, or spans of another kind under the same name
            continue
        compared += 1
        for value, key in ((p50, "p50_ns"), (p95, "p95_ns"), (p99, "p99_ns")):
            assert value == pytest.approx(exact[key] / 1e6, rel=SKETCH_ERROR), (name, key)
        assert longest == pytest.approx(exact["max_ns"] / 1e6, rel=1e-12)
    servers = {key for key in captured.truth["spans"]["by_service_name_kind_status"] if "|SERVER|" in key}
    assert compared > 0 or not servers


def test_document_loads_and_clicks_are_pages_and_actions_where_the_browser_tells_of_none_itself(
    captured: Captured,
) -> None:
    """No application here sends page.view or event.*; the demo does, whose truth its document loads do not disturb."""
    names: Counter[str] = Counter()
    for key, count in captured.truth["spans"]["by_service_name_kind_status"].items():
        names[key.split("|")[1]] += count
    assert not any(name == "page.view" or name.startswith("event.") for name in names)
    found = dict(captured.mart("select fact, count(*) from marts_intermediate.int_facts group by all"))
    assert found.get("page_view", 0) == names["documentLoad"]
    assert found.get("user_action", 0) == names["click"]


def _counts(found: duckdb.DuckDBPyRelation) -> Counter[tuple[Any, ...]]:
    return Counter({row[:-1]: row[-1] for row in found.fetchall()})


def _run(place: Path, *command: str) -> None:
    secret = {"OTELMART_PRIVACY_KEY": "a key for tests only"}
    done = subprocess.run(command, cwd=place, env=os.environ | secret, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
