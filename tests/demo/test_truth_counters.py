"""The shop's own counters beside the facts that its spans and events tell, both held to what the shop knows."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.demo.conftest import Built

COUNTERS = {
    "page.views": "page_views",
    "user.login.attempts": "logins",
    "user.registration": "registrations",
    "user_registration_total": "registrations",
    "payment.transactions": "payments",
}
# table of the truth → its measure, who tells of it, what counts it
FACTS = {
    "logins": ("login_count", "auth-service", "logins"),
    "registrations": ("registration_count", "auth-service", "registrations"),
    "payments": ("payment_count", "payment-service", "payments"),
}
Keys = tuple[str, ...]


def counted(truth: dict[str, Any]) -> Counter[Keys]:
    """What the shop counted by environment, date, service and business counter."""
    sums: Counter[Keys] = Counter()
    for row in truth["counters"]:
        attributes, name = row["attributes"], COUNTERS.get(row["metric_name"])
        if row["metric_name"] == "api.calls":
            is_order = (attributes["endpoint"], attributes["status"]) == ("/api/orders", "success")
            name = "orders" if is_order else None
        for date, increase in row["increase_by_date"].items() if name else ():
            sums[row["environment"], date, row["service_name"], str(name)] += increase
    return +sums


def told(truth: dict[str, Any]) -> Counter[Keys]:
    """What happened in the services that count, by the same keys; bots and monitors left out."""
    sums: Counter[Keys] = Counter()
    for table, (measure, service, name) in FACTS.items():
        for row in truth[table]:
            sums[row["environment"], row["event_date"], service, name] += row[measure]
    for row in truth["orders"]:
        sums[row["environment"], row["order_date"], "order-service", "orders"] += row["order_count"]
    for row in truth["latency_daily"]:
        if (row["service_name"], row["http_route"]) == ("frontend-service", "/pages/:pageName"):
            sums[row["environment"], row["date"], "frontend-service", "page_views"] += row["request_count"]
    return +sums


def excluded(truth: dict[str, Any]) -> Counter[Keys]:
    """Pages of bots and monitors, which the shop's counter of page views may count, by the same keys."""
    sums: Counter[Keys] = Counter()
    for row in truth["excluded"]:
        if row["reason"] != "health_check":
            sums[row["environment"], row["event_date"], row["service_name"], "page_views"] += row["kept_request_count"]
    return +sums


def test_counters_stand_beside_the_facts_of_the_service_that_counts(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, service_name, business_counter, counter_increase, fact_total
        from marts.fct_counter_reconciliation_daily
        where has_counter and (counter_increase > 0 or fact_total > 0)
    """
    counters, facts = counted(built.truth), told(built.truth)
    assert built.by_key(sql, 4) == {key: (counters[key], facts[key]) for key in counters | facts}


def test_a_state_says_what_the_two_numbers_are(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, service_name, business_counter, state, late_fact_total,
            carried_fact_total
        from marts.fct_counter_reconciliation_daily
        where has_counter and (counter_increase > 0 or fact_total > 0)
    """
    counters, facts, bots = counted(built.truth), told(built.truth), excluded(built.truth)
    truth = {}
    found = built.by_key(sql, 4)
    for key, (_, late, carried) in found.items():
        difference = counters[key] - facts[key]
        if difference == 0:
            truth[key] = "equal"
        elif -late <= difference <= carried:
            truth[key] = "within_export_delay"
        elif -late <= difference <= carried + bots[key]:
            truth[key] = "within_excluded_traffic"
        else:
            truth[key] = "counter_only" if facts[key] == 0 else "differs"
    assert {key: state for key, (state, _, _) in found.items()} == truth
    assert {"equal", "counter_only", "within_excluded_traffic"} <= set(truth.values())


def test_what_the_counter_of_page_views_may_count_besides_is_what_bots_and_monitors_loaded(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, service_name, business_counter, excluded_fact_total
        from marts_intermediate.int_fact_totals_daily where excluded_fact_total > 0
    """
    assert built.by_key(sql, 4) == excluded(built.truth)


def test_revenue_that_no_counter_counts_is_that_of_the_orders(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, service_name, currency, state, fact_total
        from marts.fct_counter_reconciliation_daily where business_counter = 'revenue'
    """
    truth = {
        (row["environment"], row["order_date"], "order-service", row["order_currency"]): (
            "fact_only",
            Decimal(row["amount_total"]),
        )
        for row in built.truth["orders"]
    }
    assert built.by_key(sql, 4) == truth
