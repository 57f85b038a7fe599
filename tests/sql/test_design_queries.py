"""The source design's two example queries, unmodified, over rows of a lake: its users keep what they had.

The lake holds telemetry captured from real services (with its own truth file) and tests/sql/design/journeys.json. Today
is the day of the capture. Only APPROX_QUANTILES, which the reference implementation lacks, is taken as exact.
"""

import datetime as dt
import hmac
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from pipelines import tables
from tests.sql.googlesql import Catalog

DESIGN = Path(__file__).parent / "design"
CAPTURED = Path(__file__).resolve().parents[1] / "data" / "captured" / "demo-shop.tar.xz"
TODAY = dt.datetime(2026, 11, 22, 23, tzinfo=dt.UTC)
KEY = "a key for tests"


@pytest.fixture(scope="module")
def otlp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("otlp")
    with tarfile.open(CAPTURED) as archive:
        archive.extractall(folder, filter="data")
    journeys = folder / "journeys.json"
    journeys.write_bytes((DESIGN / "journeys.json").read_bytes())
    os.utime(journeys, (TODAY.timestamp(), TODAY.timestamp()))
    return folder


@pytest.fixture(scope="module")
def ask(otlp: Path, otelmart: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Answers a query of design/ over the lake, as records."""
    lake = tmp_path_factory.mktemp("lake")
    command = [otelmart, "ingest", "--runner", "plain", "--from", f"files:{otlp}", "--to", f"lake:{lake}"]
    subprocess.run(command, check=True, env={**os.environ, "OTELMART_PRIVACY_KEY": KEY}, capture_output=True)
    rows = ds.dataset(lake / "traces", schema=tables.arrow_schema("traces")).to_table()
    catalog = Catalog(now=TODAY)
    catalog.create(tables.ddl("traces"))
    return lambda name: catalog.evaluate((DESIGN / name).read_text(), {"observability.traces": rows}).records


@pytest.fixture(scope="module")
def latency(ask: Any) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = ask("latency.sql")
    return answer


@pytest.fixture(scope="module")
def truth(otlp: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((otlp / "demo-shop" / "truth.json").read_text())
    return document["spans"]


def test_the_latency_query_counts_requests_and_errors_of_the_truth(
    latency: list[dict[str, Any]], truth: dict[str, Any]
) -> None:
    spans = {tuple(key.split("|")): count for key, count in truth["by_service_name_kind_status"].items()}
    endpoints = {(service, name) for service, name, kind, _ in spans if kind == "SERVER"}
    expected = {}
    for service, name in endpoints:
        errors = spans.get((service, name, "SERVER", "ERROR"), 0)
        requests = errors + spans.get((service, name, "SERVER", "UNSET"), 0)
        expected[service, name] = (requests, errors, errors / requests * 100)
    answered = {
        (row["service_name"], row["endpoint"]): (row["request_count"], row["error_count"], row["error_rate"])
        for row in latency
    }
    assert answered == expected
    assert [row["request_count"] for row in latency] == sorted([n for n, _, _ in expected.values()], reverse=True)


def test_the_latency_query_gives_the_percentiles_of_the_truth(
    latency: list[dict[str, Any]], truth: dict[str, Any]
) -> None:
    durations = {tuple(key.split("|")): value for key, value in truth["durations_by_service_name"].items()}
    checked = 0
    for row in latency:
        expected = durations[row["service_name"], row["endpoint"]]
        if expected["n"] != row["request_count"]:
            continue  # the truth's durations are of every kind of span of that name
        percentiles = [row["p50_latency"], row["p95_latency"], row["p99_latency"]]
        assert percentiles == [expected[f"p{q}_ns"] / 1e6 for q in (50, 95, 99)], row["endpoint"]
        checked += row["request_count"]
    assert checked == 803  # of 805 SERVER spans


def test_the_latency_query_gives_this_row_for_the_payment_service(latency: list[dict[str, Any]]) -> None:
    (row,) = [row for row in latency if row["endpoint"] == "GET /pay/{id}"]
    assert row == {
        "service_name": "demo-pay-java",
        "endpoint": "GET /pay/{id}",
        "request_count": 210,
        "p50_latency": 8.434965,
        "p95_latency": 15.174855,
        "p99_latency": 26.743039,
        "error_count": 42,
        "error_rate": 20.0,
    }


def test_the_journey_query_gives_todays_steps_of_users_with_more_than_five_in_time_order(ask: Any) -> None:
    # bert: 6 actions of 200 ms today, one more yesterday; anna: 120 + 80 + 2 + 1 + 400 + 50 ms; a third user has 5
    bert = [("user.login", 200.0, "14:16:40")] + [("page.view", 200.0, f"14:16:4{s}") for s in range(1, 6)]
    anna = [
        ("page.view", 120.0, "14:00:00"),
        ("page.view", 80.0, "14:00:10"),
        ("event.add_to_cart", 2.0, "14:00:20"),
        ("event.checkout", 1.0, "14:00:30"),
        ("POST /api/orders", 400.0, "14:00:40"),
        ("page.view", 50.0, "14:00:50"),
    ]
    assert ask("journeys.sql") == [
        {"user_id": pseudonym("bert"), "user_journey": steps(bert), "total_actions": 6, "total_duration": 1200.0},
        {"user_id": pseudonym("anna"), "user_journey": steps(anna), "total_actions": 6, "total_duration": 653.0},
    ]


def pseudonym(user_id: str) -> str:
    return hmac.new(KEY.encode(), user_id.encode(), "sha256").hexdigest()[:32]


def steps(actions: list[tuple[str, float, str]]) -> list[dict[str, Any]]:
    return [
        {
            "start_time": dt.datetime.fromisoformat(f"2026-11-22T{time}+00:00"),
            "action": name,
            "duration_ms": duration_ms,
        }
        for name, duration_ms, time in actions
    ]
