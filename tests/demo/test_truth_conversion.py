"""Registrations, payments and what stopped people on their way, held to what the shop itself knows."""

from decimal import Decimal

import pytest

from tests.demo.conftest import Built
from tests.demo.test_truth import truth_by_key


def test_registrations_by_day(built: Built) -> None:
    sql = "select deployment_environment, event_date, count(*) from marts.fct_registrations group by all"
    truth = truth_by_key(built.truth["registrations"], ("environment", "event_date"), "registration_count")
    assert built.by_key(sql, 2) == truth


def test_registrations_are_counted_by_facts_else_by_the_counter_never_by_both(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, service_name, registration_source, registration_count
        from marts.fct_registrations_daily
    """
    told = {
        (row["environment"], row["event_date"], "auth-service", "span"): row["registration_count"]
        for row in built.truth["registrations"]
    }
    counted = {
        (row["environment"], date, row["service_name"], "counter"): increase
        for row in built.truth["counters"]
        if row["metric_name"] == "user_registration_total"
        for date, increase in row["increase_by_date"].items()
    }
    assert {key[2] for key in counted} == {"email-service"}
    assert built.by_key(sql, 4) == told | counted


def test_payments_by_method_gateway_and_status(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, payment_method, payment_gateway, payment_status, payment_currency,
            count(*), sum(payment_amount)
        from marts.fct_payments group by all
    """
    truth = {
        (
            row["environment"],
            row["event_date"],
            row["payment_method"],
            row["payment_gateway"] or "(not set)",
            row["payment_status"],
            row["payment_currency"],
        ): (row["payment_count"], Decimal(row["amount_total"]))
        for row in built.truth["payments"]
    }
    assert built.by_key(sql, 6) == truth


def test_payments_of_a_day_add_up(built: Built) -> None:
    sql = """
        select coalesce(sum(payment_count), 0) - (select count(*) from marts.fct_payments),
            count(case when success_count + failure_count != payment_count then 1 end),
            sum(abs(failure_count - validation_error_count - gateway_error_count - database_error_count))
        from marts.fct_payments_daily
    """
    ((missing_count, unequal_count, unknown_count),) = built.rows(sql)
    assert (missing_count, unequal_count, unknown_count or 0) == (0, 0, 0)


def test_entries_that_met_a_cause_or_none_are_all_that_reached_the_step_before(built: Built) -> None:
    sql = """
        select causes.event_date, causes.funnel, causes.missing_step_name, sum(causes.entry_count),
            sum(causes.dropped_count)
        from marts.fct_funnel_dropoff_causes_daily as causes group by all
    """
    steps = """
        select event_date, funnel, step_name, sum(previous_step_session_count), sum(dropped_session_count)
        from marts.fct_funnel_daily where step_number > 1 group by all having sum(previous_step_session_count) > 0
    """
    assert built.by_key(sql, 3) == built.by_key(steps, 3)


@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_the_release_that_broke_a_step_is_its_top_cause(built: Built) -> None:
    release = built.truth["release"]
    causes = built.rows("""
        select service_name, service_version, operation, dropped_ratio
        from marts.fct_funnel_dropoff_causes_daily
        where funnel = 'order' and cause = 'backend_error' and missing_step_name = 'order'
            and deployment_environment = 'production' and event_date = '2026-11-17'
        order by dropped_count desc limit 1
    """)
    assert causes[0][:3] == (release["service_name"], release["version"], "/api/orders")
    assert causes[0][3] > 0.5


def test_conversion_by_landing_page_adds_up_to_the_funnel(built: Built) -> None:
    sql = """
        select event_date, deployment_environment, sum(entered_count), sum(converted_count)
        from marts.fct_conversion_daily where funnel = 'order' and dimension = 'landing_page' group by all
    """
    truth = {
        (row["funnel_date"], row["environment"]): (row["product_detail_session_count"], row["order_session_count"])
        for row in built.truth["funnel"]
    }
    assert built.by_key(sql, 2) == truth
