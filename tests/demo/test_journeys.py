"""What the shop promises of its visits, whatever the seed: promises that give sessions and funnels one answer."""

from collections import Counter
from datetime import date
from itertools import groupby, pairwise

import pytest

from pipelines.demo.journeys import facts_of_day
from pipelines.demo.journeys_truth import funnel_times, sessions
from pipelines.demo.model import Fact, OrderAttempt, PageView
from pipelines.demo.observed import Activity, Observed
from pipelines.demo.shop import Shop

MINUTE_NS = 60 * 10**9
DAY_NS = 24 * 60 * MINUTE_NS
Run = tuple[Shop, list[Fact]]


@pytest.fixture(scope="module", params=[1, 2, 3, 4, 5])
def run(request: pytest.FixtureRequest) -> Run:
    shop = Shop(request.param, date(2026, 11, 16), 3, 400)
    return shop, [fact for day in range(shop.days) for fact in facts_of_day(shop, day)]


def persons(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.actor.kind == "person"]


def test_pauses_of_a_session_key_are_far_from_thirty_minutes(run: Run) -> None:
    observed = Observed()
    for fact in run[1]:
        observed.observe(fact)
    ordered = sorted(observed.activities, key=lambda a: (a.environment, a.key, a.time_ns))
    for _, group in groupby(ordered, key=lambda a: (a.environment, a.key)):
        times = [activity.time_ns for activity in group]
        pauses = [(later - earlier) / MINUTE_NS for earlier, later in pairwise(times)]
        assert not [pause for pause in pauses if 26 < pause < 40]


def test_nothing_of_a_person_happens_within_seconds_of_midnight(run: Run) -> None:
    for fact in persons(run[1]):
        into_day_ns = fact.time_ns % DAY_NS
        assert 8 * 10**9 <= into_day_ns <= DAY_NS - 25 * 10**9


def test_a_wrong_clock_never_moves_a_visit_to_another_day(run: Run) -> None:
    for fact in persons(run[1]):
        assert fact.time_ns // DAY_NS == (fact.time_ns + fact.actor.clock_skew_ns) // DAY_NS


def test_every_fact_lies_in_the_days_asked_for(run: Run) -> None:
    shop, facts = run
    assert all(shop.start_ns <= fact.time_ns < shop.end_ns - MINUTE_NS for fact in facts)


def test_order_ids_are_unique_and_only_for_orders_that_succeeded(run: Run) -> None:
    attempts = [fact for fact in run[1] if isinstance(fact, OrderAttempt)]
    ids = Counter(attempt.order_id for attempt in attempts if attempt.order_id)
    assert set(ids.values()) == {1}
    assert all((attempt.order_id is None) == (attempt.outcome != "success") for attempt in attempts)


def test_most_orders_fail_while_the_broken_release_is_out_and_few_before(run: Run) -> None:
    shop, facts = run
    attempts = [f for f in facts if isinstance(f, OrderAttempt) and f.actor.environment == "production"]
    during = [a for a in attempts if a.order.start_ns in shop.broken_window]
    broken = [a for a in attempts if a.outcome == "server_error"]
    assert {a.order.version for a in broken} == {"1.1.0"}
    assert 0.35 < len(broken) / len(during) < 0.85


def test_an_anonymous_visitor_becomes_known_within_the_visit(run: Run) -> None:
    known_by_session: dict[str, list[bool]] = {}
    for fact in persons(run[1]):
        if isinstance(fact, PageView) and fact.actor.session_id:
            known_by_session.setdefault(fact.actor.session_id, []).append(fact.actor.user_id is not None)
    assert any(not known[0] and known[-1] for known in known_by_session.values())
    assert not any(known != sorted(known) for known in known_by_session.values())


def activity(minute: float, what: str, is_page: bool = True) -> Activity:
    return Activity("production", "k", int(minute * MINUTE_NS), what, is_page)


def test_thirty_minutes_keep_a_session_and_a_moment_more_ends_it() -> None:
    # 0 → 30 is a pause of 30 minutes: the same session; 30 → 60.1 is longer: another
    found = sessions([activity(60.1, "home"), activity(0, "home"), activity(30, "cart")])
    assert [[a.what for a in session] for session in found] == [["home", "cart"], ["home"]]


def test_a_funnel_step_counts_at_its_first_touch_after_the_step_before() -> None:
    # cart before the product page does not count; the cart after it does; no checkout, so the order does not count
    session = [activity(0, "cart"), activity(1, "product_detail"), activity(2, "cart"), activity(3, "order", False)]
    assert [time // MINUTE_NS for time in funnel_times(session)] == [1, 2]
