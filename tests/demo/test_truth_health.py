"""Freshness, volume, sampling and restatements of whole demo runs, held to what the shop itself knows."""

import pytest

from tests.demo.conftest import Built
from tests.demo.test_truth import truth_by_key


@pytest.mark.parametrize("mart", ["fct_volume_daily", "fct_freshness_daily"])
def test_every_delivered_row_has_a_service_and_a_day(built: Built, mart: str) -> None:
    sql = f"select table_name, event_date, sum(row_count) from marts.{mart} group by all"
    truth = truth_by_key(built.truth["rows"], ("table_name", "event_date"), "delivered_row_count")
    assert built.by_key(sql, 2) == truth


def test_only_the_sampled_service_says_that_its_spans_stand_for_more(built: Built) -> None:
    sampling = built.truth["sampling"]
    sql = """
        select service_name, sampling_source, min(coverage_ratio), max(coverage_ratio)
        from marts.fct_sampling_coverage_daily where sampled_span_count > 0 group by all
    """
    assert built.rows(sql) == [(sampling["service_name"], "ot_th", sampling["ratio"], sampling["ratio"])]


@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_a_batch_that_came_after_its_date_was_final_is_a_restatement(built: Built) -> None:
    sql = "select event_date, table_name, payload_count from marts.fct_restatements"
    assert built.by_key(sql, 2) == {("2026-11-16", "traces"): 1}


def test_old_names_are_found_beside_those_that_took_their_place(built: Built) -> None:
    sql = """
        select attribute_key, current_attribute_key from marts.fct_attribute_usage_daily
        where is_deprecated group by all
    """
    assert set(built.rows(sql)) >= {
        ("http.method", "http.request.method"),
        ("http.status_code", "http.response.status_code"),
        ("http.url", "url.full"),
    }
