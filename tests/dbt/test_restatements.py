"""What a headline number was when its day ended, and what builds have made of it since."""

from decimal import Decimal

from tests.dbt.conftest import Builder, order, page_view

RESTATED = """
    select event_date::text, mart_name, number_name, part, first_value, current_value, value_delta, restatement_count,
        final_restatement_count, last_cause, added_ledger_entry_count
    from marts.fct_number_restatements where restatement_count > 0 order by all
"""
LATE_PAGE = ("2026-03-01", "fct_page_views", "page_views", "(all)", 3, 4, 1, 1, 0, "ledger", 1)


def test_a_late_row_restates_its_number_of_its_day_and_a_full_refresh_forgets_none(builder: Builder) -> None:
    builder.lake.add(
        "u1",
        "traces",
        [
            page_view("1 10:00:00", "t1", "home"),
            order("1 10:00:00", "t2", "o1", "20.50"),
            page_view("2 07:00:00", "t3", "home"),
        ],
    )
    builder.build("--var", "as_of=2026-03-01 12:00:00", "--no-tests")
    builder.lake.add("u2", "traces", [page_view("1 13:00:00", "t4", "home")])
    builder.build("--var", "as_of=2026-03-01 18:00:00", "--no-tests")
    builder.lake.add("u2b", "traces", [page_view("1 23:50:00", "t4b", "home")])
    builder.build("--var", "as_of=2026-03-02 00:07:00", "--no-tests")
    assert builder.query(RESTATED) == []  # the day still lasted, or its last rows were on their way

    steps = "select count(*) from marts_state.int_published_numbers"
    published = builder.query(steps)
    builder.build("--var", "as_of=2026-03-02 08:00:00", "--no-tests")
    assert builder.query(RESTATED) == []
    assert builder.query(steps) == published

    builder.lake.add("u3", "traces", [page_view("1 14:00:00", "t5", "home")])
    builder.build("--var", "as_of=2026-03-03 08:00:00", "--no-tests")
    assert builder.query(RESTATED) == [LATE_PAGE]

    # three days later the date is final
    builder.lake.add("u4", "traces", [order("1 15:00:00", "t6", "o2", "1.50")])
    builder.build("--var", "as_of=2026-03-05 08:00:00", "--full-refresh")
    late_order = ("2026-03-01", "fct_revenue_daily")
    counts = (1, 1, "ledger", 4)
    restated = builder.query(RESTATED)
    assert LATE_PAGE in restated
    assert (*late_order, "orders", "EUR", 1, 2, 1, *counts) in restated
    assert (*late_order, "revenue", "EUR", Decimal("20.5"), Decimal(22), Decimal("1.5"), *counts) in restated
    assert {row[1:3] for row in restated} == {
        ("fct_page_views", "page_views"),
        ("fct_revenue_daily", "orders"),
        ("fct_revenue_daily", "revenue"),
        ("fct_latency_daily", "requests"),
    }


def test_a_number_that_appears_after_its_date_was_final_is_restated_from_nothing(builder: Builder) -> None:
    builder.lake.add("u1", "traces", [page_view("2 10:00:00", "t1", "home"), order("2 10:00:00", "t2", "o1", "20.50")])
    builder.build("--var", "as_of=2026-03-06 08:00:00", "--no-tests")
    assert builder.query(RESTATED) == []  # no build came before it, so nobody was told otherwise

    builder.lake.add("u2", "traces", [order("1 11:00:00", "t3", "o2", "7.25")])
    builder.build("--var", "as_of=2026-03-07 08:00:00", "--no-tests")
    counts = (1, 1, "first", None)
    expected = {
        ("2026-03-01", "fct_latency_daily", "error_ratio", "(all)", None, Decimal(0), Decimal(0), *counts),
        ("2026-03-01", "fct_latency_daily", "requests", "(all)", None, Decimal(1), Decimal(1), *counts),
        ("2026-03-01", "fct_revenue_daily", "orders", "EUR", None, Decimal(1), Decimal(1), *counts),
        ("2026-03-01", "fct_revenue_daily", "revenue", "EUR", None, Decimal("7.25"), Decimal("7.25"), *counts),
    }
    assert set(builder.query(RESTATED)) == expected

    # 7.25 + 1.50 = 8.75 by two builds; a page of the day on which the next build is made is no restatement
    builder.lake.add("u3", "traces", [order("1 12:00:00", "t4", "o3", "1.50"), page_view("7 09:00:00", "t5", "home")])
    builder.build("--var", "as_of=2026-03-07 10:00:00")
    revenue = [row[4:10] for row in builder.query(RESTATED) if row[2] == "revenue"]
    assert revenue == [(None, Decimal("8.75"), Decimal("8.75"), 2, 2, "ledger")]
    assert {row[0] for row in builder.query(RESTATED)} == {"2026-03-01"}


def test_another_age_at_which_dates_are_final_rebuilds_them(builder: Builder) -> None:
    restated = "select event_date::text, payload_count from marts.fct_restatements"
    builder.lake.add("u1", "traces", [page_view("1 10:00:00", "t1", "home")])  # received on the 9th
    builder.build("--var", "final_after_days=30", "--no-tests")
    assert builder.query(restated) == []
    assert builder.build("--no-tests")["rebuilt_dates"] == ["2026-03-01"]
    assert builder.query(restated) == [("2026-03-01", 1)]
