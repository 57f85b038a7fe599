"""Web vitals that are reported again after midnight, and who counts as a bot, in builds of literal rows."""

from typing import Any

from tests.dbt.conftest import Builder, Row, at, page_view


def cls(when: str, value: float, **columns: Any) -> Row:
    """A report of the layout shift of one page load, by a browser that knows its session and page."""
    vital = {"event_name": "browser.web_vital", "web_vital_name": "cls", "web_vital_id": "v5-1"}
    told = {"service_name": "app", "session_id": "s", "page_name": "home"}
    return {"time": at(when), "observed_time": at(when), "web_vital_value": value, **vital, **told, **columns}


def test_a_report_after_midnight_moves_the_day_before_and_equals_a_full_refresh(builder: Builder) -> None:
    builder.lake.add("u1", "traces", [page_view("1 23:58:00", "t1", "home", "s")])
    builder.lake.add("u2", "logs", [cls("1 23:59:00", 0.05)])
    builder.build("--no-tests")
    daily = "select event_date::text, p75_rating, page_load_count, max_value from marts.fct_web_vitals_daily"
    assert builder.query(daily) == [("2026-03-01", "good", 1.0, 0.05)]

    # the next day's report is of the same page load, one of the day after comes too late
    builder.lake.add("u3", "logs", [cls("2 00:10:00", 0.2)])
    builder.lake.add("u4", "logs", [cls("3 10:00:00", 0.9)])
    assert builder.build()["rebuilt_dates"] == ["2026-03-02", "2026-03-03"]
    assert builder.query(daily) == [("2026-03-01", "needs-improvement", 1.0, 0.2)]
    assert builder.query("select cls, cls_rating, lcp_ms from marts.fct_page_views") == [
        (0.2, "needs-improvement", None)
    ]
    rebuilt = builder.fingerprints()
    builder.build("--full-refresh", "--no-tests")
    assert builder.fingerprints() == rebuilt


def test_a_headless_browser_is_a_bot_and_a_crawler_is_no_session_at_all(builder: Builder) -> None:
    builder.lake.add(
        "u1",
        "traces",
        [
            page_view("1 10:00:00", "t1", "product_detail", "headless", user_agent_name="HeadlessChrome"),
            page_view("1 10:00:00", "t2", "product_detail", "person", user_agent_name="Chrome"),
            page_view("1 10:00:00", "t3", "product_detail", "crawler", user_agent_name="Bot"),
            page_view("1 10:00:00", "t4", "product_detail", "monitor", user_agent_synthetic_type="test"),
        ],
    )
    builder.build()
    expected = [("headless", True), ("person", False)]
    assert builder.query("select session_id, is_bot from marts.fct_sessions order by all") == expected
    page_views = "select is_bot, count(*) from marts.fct_page_views group by all order by all"
    assert builder.query(page_views) == [(False, 1), (True, 1)]
    excluded = "select excluded_reason, observed_span_count from marts.fct_excluded_traffic_daily order by all"
    assert builder.query(excluded) == [("bot", 1), ("synthetic", 1)]
    entered = "select is_bot, session_count from marts.fct_funnel_daily where step_number = 1 order by all"
    assert builder.query(entered) == [(False, 1), (True, 1)]
    converted = (
        "select is_bot, entered_count, converted_count from marts.fct_conversion_daily where dimension = 'landing_page'"
    )
    assert sorted(builder.query(converted)) == [(False, 1, 0), (True, 1, 0)]
    causes = "select is_bot, dropped_count from marts.fct_funnel_dropoff_causes_daily order by all"
    assert builder.query(causes) == [(False, 1), (True, 1)]
    assert builder.query("select is_bot from marts.fct_funnel_dropoffs order by all") == [(False,), (True,)]
