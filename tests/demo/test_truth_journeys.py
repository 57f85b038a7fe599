"""Steps, paths, callers and operations of whole demo runs, held to what the shop itself knows."""

from collections import Counter

import pytest

from tests.demo.conftest import Built


def test_page_steps_and_paths_are_those_of_the_sessions(built: Built) -> None:
    pages: Counter[tuple[str, str]] = Counter()
    sessions: Counter[tuple[str, str]] = Counter()
    for row in built.truth["sessions"]:
        key = (row["environment"], row["session_date"])
        pages[key] += row["page_view_count"]
        sessions[key] += sum(row["landing_pages"].values())
    steps = """
        select deployment_environment, event_date, count(*) from marts.fct_journey_steps
        where step_type = 'page_view' group by all
    """
    paths = "select deployment_environment, event_date, sum(session_count) from marts.fct_paths_daily group by all"
    assert built.by_key(steps, 2) == pages
    assert built.by_key(paths, 2) == sessions


def test_a_path_begins_with_its_landing_page(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, split_part(path, ' > ', 1), sum(session_count)
        from marts.fct_paths_daily group by all
    """
    truth = {
        (row["environment"], row["session_date"], page): count
        for row in built.truth["sessions"]
        for page, count in row["landing_pages"].items()
    }
    assert built.by_key(sql, 3) == truth


def test_requests_by_caller_are_all_requests(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, operation, event_date, sum(observed_request_count)
        from marts.fct_latency_callers_hourly group by all
    """
    truth = {
        (row["environment"], row["service_name"], row["http_route"], row["date"]): row["kept_request_count"]
        for row in built.truth["latency_daily"]
        if row["kept_request_count"]
    }
    assert built.by_key(sql, 4) == truth


def test_every_order_sends_one_message(built: Built) -> None:
    sql = "select coalesce(sum(observed_operation_count), 0) from marts.fct_operations_hourly where operation = 'send'"
    orders = sum(row["order_count"] for row in built.truth["orders"])
    assert built.rows(sql) == [(orders,)]


VITAL_KEYS = ("environment", "event_date", "page_name", "vital_name")
RATINGS = ("good_count", "needs_improvement_count", "poor_count")


def test_web_vitals_by_page_count_each_page_load_once_with_its_last_report(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, page_name, vital_name, page_load_count, observed_page_load_count,
            with_page_view_count, good_count, needs_improvement_count, poor_count
        from marts.fct_web_vitals_daily
    """
    truth = {
        tuple(row[key] for key in VITAL_KEYS): (*3 * [row["page_load_count"]], *(row[r] for r in RATINGS))
        for row in built.truth["web_vitals"]
    }
    assert built.by_key(sql, 4) == truth


def test_the_p75_of_a_web_vital_is_within_a_percent_and_its_rating_exact(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, page_name, vital_name, p75_value, p75_rating
        from marts.fct_web_vitals_daily
    """
    found = built.by_key(sql, 4)
    exact = {tuple(row[key] for key in VITAL_KEYS): row["p75"] for row in built.truth["web_vitals"]}
    ratings = {key: _rated(key[3], p75) for key, p75 in exact.items()}
    assert {key: rating for key, (_, rating) in found.items()} == ratings
    assert {key: value for key, (value, _) in found.items()} == pytest.approx(exact, rel=0.01 + 1e-9)


def _rated(vital: str, value: float) -> str:
    """As published on web.dev."""
    thresholds = {"lcp": (2500, 4000), "inp": (200, 500), "cls": (0.1, 0.25), "fcp": (1800, 3000), "ttfb": (800, 1800)}
    good_up_to, poor_above = thresholds[vital]
    return "good" if value <= good_up_to else "needs-improvement" if value <= poor_above else "poor"


def test_a_landing_page_view_has_the_web_vitals_of_its_page_load(built: Built) -> None:
    sql = """
        with vitals as (
            unpivot (select * from marts.fct_page_views)
            on lcp_ms as lcp, inp_ms as inp, cls, fcp_ms as fcp, ttfb_ms as ttfb into name vital_name value vital_value
        )
        select deployment_environment, event_date, page_name, vital_name, count(*), sum(vital_value)
        from vitals group by all
    """
    found = built.by_key(sql, 4)
    truth = {tuple(row[k] for k in VITAL_KEYS): row for row in built.truth["web_vitals"]}
    assert {key: count for key, (count, _) in found.items()} == {k: row["page_load_count"] for k, row in truth.items()}
    totals = {key: row["value_total"] for key, row in truth.items()}
    assert {key: total for key, (_, total) in found.items()} == pytest.approx(totals, rel=1e-9, abs=1e-9)
    later_pages = "select count(*) from marts.fct_page_views where lcp_ms is not null and page_number > 1"
    assert built.rows(later_pages) == [(0,)]


def test_ratings_of_page_views_are_those_of_the_truth(built: Built) -> None:
    sql = """
        select r, count(*) from (select unnest([lcp_rating, inp_rating, cls_rating]) as r from marts.fct_page_views)
        where r is not null group by r
    """
    truth: Counter[tuple[str]] = Counter()
    for row in built.truth["web_vitals"]:
        if row["vital_name"] in ("lcp", "inp", "cls"):
            truth.update({(r.removesuffix("_count").replace("_", "-"),): row[r] for r in RATINGS})
    assert built.by_key(sql, 1) == +truth


def test_no_visitor_of_the_shop_is_a_bot(built: Built) -> None:
    # crawler and monitor are excluded traffic; the attacker's script has neither session nor user
    for mart in ("fct_sessions", "fct_page_views"):
        assert built.rows(f"select count(*) from marts.{mart} where is_bot or is_bot is null") == [(0,)]
