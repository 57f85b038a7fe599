"""Counters and histograms of whole demo runs, held to what the shop itself counted."""

from collections import Counter
from typing import Any

import pytest

from tests.demo.conftest import Built

KEYS = ("environment", "service_namespace", "service_name", "metric_name")
GROUPS = "deployment_environment, service_namespace, service_name, metric_name, attributes_text, event_date"


def by_date(rows: list[dict[str, Any]], measure: str) -> Counter[tuple[str, ...]]:
    """Sums of a measure over instances and versions, by service, metric, attributes and date."""
    sums: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        text = ", ".join(sorted(f"{key}={shown(key, value)}" for key, value in row["attributes"].items()))
        for date, number in row[measure].items():
            sums[(*(row[key] for key in KEYS), text, date)] += number
    return +sums


def shown(key: str, value: str) -> str:
    """A value as privacy leaves it: of a user agent its browser's name."""
    if key != "user_agent":
        return value
    marks = {
        "bot": "Bot",
        "ShopMonitor": "Synthetic",
        "Edg/": "Edge",
        "Firefox/": "Firefox",
        "Chrome/": "Chrome",
        "Safari/": "Safari",
    }
    return next(name for mark, name in marks.items() if mark in value)


def test_counters_grow_by_what_the_shop_counted_resets_and_restarts_included(built: Built) -> None:
    sql = f"""
        select {GROUPS}, cast(sum(increase) as bigint) from marts.fct_metric_rates_hourly
        group by all having sum(increase) > 0
    """
    assert built.by_key(sql, 6) == by_date(built.truth["counters"], "increase_by_date")
    assert built.rows("select sum(reset_count) > 0 from marts.fct_metric_rates_hourly") == [(True,)]


def test_histograms_hold_every_observation(built: Built) -> None:
    sql = f"""
        select {GROUPS}, sum(observation_count) from marts.fct_metric_histograms_hourly
        group by all having sum(observation_count) > 0
    """
    assert built.by_key(sql, 6) == by_date(built.truth["histograms"], "count_by_date")


def test_buckets_of_a_histogram_hold_its_count(built: Built) -> None:
    sql = """
        select metric_name, sum(bucket_increase) from marts_intermediate.int_metric_buckets
        inner join marts_intermediate.int_metric_series using (event_date, series_id) group by all
    """
    counts = "select metric_name, sum(observation_count) from marts.fct_metric_histograms_hourly group by all"
    assert built.by_key(sql, 1) == built.by_key(counts, 1)


def test_sums_of_histograms(built: Built) -> None:
    found = built.by_key(
        "select metric_name, sum(observation_sum) from marts.fct_metric_histograms_hourly group by all", 1
    )
    truth: Counter[tuple[str]] = Counter()
    for row in built.truth["histograms"]:
        truth[(row["metric_name"],)] += row["sum"]
    assert found == pytest.approx(truth, rel=1e-9)


def test_exemplars_lead_to_traces_unless_they_were_sampled_away(built: Built) -> None:
    sampled = built.truth["sampling"]["service_name"]
    lost = f"""
        select count(*) from marts.fct_metric_exemplars
        where service_name != '{sampled}' and trace_id not in (select trace_id from marts_staging.stg_otel__spans)
    """
    assert built.rows(lost) == [(0,)]
    names = {name for (name,) in built.rows("select distinct metric_name from marts.fct_metric_exemplars")}
    assert names >= {"http.server.request.duration"} | ({"api.duration"} if built.truth["orders"] else set())
