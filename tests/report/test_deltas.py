"""The overview's changes: which days are compared, what a change is called, and the numbers of the marts behind it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.report import units
from pipelines.report.deltas import Days, change, current_days, days_before
from pipelines.report.facts import Facts, Scope
from pipelines.report.page import page
from pipelines.report.warehouse import read_facts

Change = Callable[..., Path]
LATER = date(2026, 12, 31)


def day(number: int) -> date:
    return date(2026, 11, number)


@pytest.mark.parametrize(
    ("first", "last", "today", "current"),
    [
        (16, 18, LATER, (18, 18)),
        (16, 18, day(18), (17, 17)),  # the 18th is not over
        (18, 18, day(18), (18, 18)),
        (1, 13, LATER, (13, 13)),
        (1, 14, LATER, (8, 14)),
        (1, 15, day(15), (8, 14)),
    ],
)
def test_whole_days_are_compared_and_of_two_weeks_the_last(
    first: int, last: int, today: date, current: tuple[int, int]
) -> None:
    assert current_days(day(first), day(last), today) == Days(day(current[0]), day(current[1]))


def test_the_days_before_are_as_many() -> None:
    assert days_before(Days(day(8), day(14))) == Days(day(1), day(7))
    assert days_before(Days(day(17), day(17))) == Days(day(16), day(16))


def test_days_without_data_are_not_compared_with() -> None:
    as_of = datetime(2026, 12, 31, tzinfo=UTC)
    assert Scope("production", day(17), day(17), as_of, "hour").previous is None
    assert Scope("production", day(16), day(17), as_of, "hour").previous == Days(day(16), day(16))
    assert Scope("production", None, None, as_of, "hour").current is None


@pytest.mark.parametrize(
    ("now", "then", "higher_is", "text", "tone"),
    [
        (120, 100, "plain", "▲ 20.0 %", "plain"),
        (120, 100, "good", "▲ 20.0 % better", "good"),
        (120, 100, "bad", "▲ 20.0 % worse", "bad"),
        (80, 100, "bad", "▼ 20.0 % better", "good"),
        (Decimal("20.25"), Decimal("100.50"), "good", "▼ 79.9 % worse", "bad"),
        (102, 100, "good", "▲ 2.0 %", "plain"),
        (1500, 20, "bad", "▲ ×75 worse", "bad"),
        (100, 100, "good", "unchanged", "plain"),
        (5, 0, "good", "none before", "plain"),
        (0, 0, "good", "unchanged", "plain"),
        (5, None, "good", "none before", "plain"),
        (None, 5, "good", "no data", "plain"),
    ],
)
def test_a_change_in_words(now: float | None, then: float | None, higher_is: str, text: str, tone: str) -> None:
    found = change(now, then, higher_is)
    assert (units.plain(found.text), found.tone) == (text, tone)


@pytest.mark.parametrize(
    ("now", "then", "text"),
    [
        (0.30, 0.75, "▼ 45.0 points better"),
        (0.012, 0.008, "▲ 0.40 points worse"),
        (0.5, 0.5, "unchanged"),
        (0.01, 0.0, "▲ 1.0 points worse"),
    ],
)
def test_a_change_of_a_ratio_is_in_points(now: float, then: float, text: str) -> None:
    assert units.plain(change(now, then, "bad", is_ratio=True).text) == text


def test_both_days_have_the_numbers_of_the_marts(facts: Facts, literal: Path) -> None:
    rows = {row["period"]: row for row in facts.at_level("overview", "numbers")}
    # p95 of the 17th: the 190th of 140 × 10 ms, 60 × 1,500 ms; of the 16th: the 228th of 190 × 10, 40 × 20, 10 × 200
    assert (rows["current"]["p95_ms"], rows["previous"]["p95_ms"]) == (1500, 20)
    assert (rows["current"]["conversion_ratio"], rows["previous"]["conversion_ratio"]) == (0.3, 0.75)
    with duckdb.connect(str(literal), read_only=True) as connection:
        for period, date_ in (("current", "2026-11-17"), ("previous", "2026-11-16")):
            where = f"where deployment_environment = 'production' and event_date = '{date_}'"
            requests = connection.execute(
                "select sum(request_count), sum(error_count) / sum(request_count)"
                f" from marts.fct_latency_hourly {where}"
            ).fetchone()
            sessions = connection.execute(f"select count(*) from marts.fct_sessions {where}").fetchone()
            row = rows[period]
            assert (row["request_count"], row["error_ratio"], row["session_count"]) == (
                *(requests or ()),
                *(sessions or ()),
            )


def test_each_tile_tells_the_last_whole_day_and_what_became_of_the_day_before(facts: Facts) -> None:
    html = units.plain(page(facts))
    tiles = dict(re.findall(r"<dt>([^<]*)</dt>(.*?)</div>", html))
    told = {
        name: re.findall(r'class="delta"><span>(.*?)</span> <b class="(\w+)">(.*?)</b>', tile)
        for name, tile in tiles.items()
    }
    assert {name: found for name, found in told.items() if found} == {
        "Requests": [("17 Nov: 220", "plain", "▼ 8.3 %")],
        "Error ratio": [("17 Nov: 27.7 %", "bad", "▲ 26.9 points worse")],
        "p95 latency": [("17 Nov: 1.50 s", "bad", "▲ ×75 worse")],
        "Sessions": [("17 Nov: 2", "plain", "unchanged")],
        "Conversion": [("17 Nov: 30.0 %", "bad", "▼ 45.0 points worse")],
        "Revenue": [("17 Nov: 20.25", "bad", "▼ 79.9 % worse"), ("17 Nov: 3,000.00", "plain", "none before")],
    }
    assert "Changes: 17 Nov against 16 Nov, whole days in UTC" in html


def test_one_day_of_data_says_that_there_is_no_earlier(warehouse: Change) -> None:
    tables = (
        "fct_latency_hourly, fct_latency_sketch_hourly, fct_sessions, fct_page_transitions, fct_funnel_daily,"
        "fct_traces, fct_revenue_daily, fct_excluded_traffic_daily, fct_slo_budget_daily, fct_errors_hourly,"
        "fct_errors, fct_service_edges_hourly, fct_logins_daily, fct_login_failures_daily,"
        "fct_log_volume_hourly, fct_funnel_dropoff_causes_daily, fct_metric_rates_hourly,"
        "fct_metric_gauges_hourly, fct_metric_histograms_hourly, fct_saturation_hourly"
    )
    one_day = [f"delete from marts.{table.strip()} where event_date = '2026-11-16'" for table in tables.split(",")]
    html = units.plain(page(read_facts(warehouse(*one_day))))
    assert "No earlier data to compare 17 Nov with." in html
    assert 'class="delta"' not in html
