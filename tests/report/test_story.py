"""What is worth a sentence, and what is chance."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.report import story

DAYS = [date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)]
HOURS = [datetime(2026, 11, 17, tzinfo=UTC) + timedelta(hours=hour) for hour in range(6)]


def step(day: date, entered: int | None, reached: int) -> dict[str, Any]:
    number, name = (1, "checkout") if entered is None else (2, "order")
    return {
        "funnel_name": "purchase",
        "event_date": day,
        "step_number": number,
        "step_name": name,
        "previous_count": entered,
        "reached_count": reached,
    }


def cell(hour: int, requests: int, errors: int, route: str = "POST /orders") -> dict[str, Any]:
    return {
        "route_id": route,
        "route": route,
        "service_name": "order-service",
        "time": HOURS[hour],
        "request_count": requests,
        "error_count": errors,
    }


def test_a_step_that_one_day_loses_far_more_than_usual_is_broken() -> None:
    # others: (70 + 80) / (100 + 100) = 0.75; 17 Nov: 30 / 100; missing (0.75 - 0.30) x 100 = 45
    found = story.broken_steps([step(DAYS[0], 100, 70), step(DAYS[1], 100, 30), step(DAYS[2], 100, 80)])
    assert found == [story.BrokenStep("purchase", "order", DAYS[1], 0.3, 0.75, 45)]


def test_a_release_that_breaks_a_few_hours_of_a_busy_day_is_seen() -> None:
    # usual (320 + 327) / (480 + 480) = 0.674; 17 Nov 290 / 481 = 0.603; one sigma is 0.0214, so 3.3 sigmas
    found = story.broken_steps([step(DAYS[0], 480, 320), step(DAYS[1], 481, 290), step(DAYS[2], 480, 327)])
    assert [(broken.event_date, broken.missing_count) for broken in found] == [(DAYS[1], 34)]


def test_a_difference_that_chance_explains_is_not_broken() -> None:
    assert story.broken_steps([step(DAYS[0], 10, 7), step(DAYS[1], 10, 5), step(DAYS[2], 10, 8)]) == []


def test_a_single_day_has_nothing_to_be_compared_with() -> None:
    assert story.broken_steps([step(DAYS[0], 100, 1)]) == []


def test_the_first_step_cannot_break() -> None:
    assert story.broken_steps([step(day, None, count) for day, count in zip(DAYS, (900, 2, 900), strict=True)]) == []


def test_an_incident_is_the_stretch_with_the_most_excess_errors() -> None:
    # ratios: 0.01 0.01 0.50 0.40 0.01 0.01; the median is 0.01
    cells = [cell(0, 100, 1), cell(1, 100, 1), cell(2, 100, 50), cell(3, 100, 40), cell(4, 100, 1), cell(5, 100, 1)]
    found = story.incidents(cells, HOURS, [])
    # excess over 2 x 0.01 + 0.01: (50 - 3) + (40 - 3)
    assert found == [story.Incident("order-service", "POST /orders", HOURS[2], HOURS[3], 200, 90, 0.01, 84, None)]


def test_a_steady_error_ratio_is_no_incident() -> None:
    assert story.incidents([cell(hour, 1000, 200) for hour in range(6)], HOURS, []) == []


def test_a_handful_of_errors_is_no_incident() -> None:
    assert story.incidents([cell(0, 100, 0), cell(1, 5, 5), cell(2, 100, 0)], HOURS, []) == []


def test_the_worst_incident_comes_first() -> None:
    calm = [cell(hour, 100, 0, route) for hour in (0, 1, 2) for route in ("a", "b")]
    found = story.incidents([*calm, cell(3, 100, 30, "a"), cell(3, 100, 60, "b")], HOURS, [])
    assert [(incident.route, incident.error_count) for incident in found] == [("b", 60), ("a", 30)]


def version(
    name: str, first: int, last: int, requests: int, ratio: float, service: str = "order-service"
) -> dict[str, Any]:
    return {
        "service_name": service,
        "service_version": name,
        "first_time": HOURS[first],
        "last_time": HOURS[last],
        "request_count": requests,
        "http_5xx_ratio": ratio,
    }


def test_a_version_that_fails_where_others_do_not_is_to_blame() -> None:
    # others: (0.01 x 300 + 0.03 x 100) / 400 = 0.015
    cells = [cell(0, 100, 1), cell(1, 100, 1), cell(2, 100, 50), cell(3, 100, 1)]
    versions = [version("1.0", 0, 1, 300, 0.01), version("1.1", 2, 2, 100, 0.5), version("1.2", 3, 3, 100, 0.03)]
    assert story.incidents(cells, HOURS, versions)[0].version == story.BadVersion("1.1", 0.5, 0.015)


def test_a_version_that_ran_at_another_time_is_not_to_blame() -> None:
    cells = [cell(0, 100, 1), cell(1, 100, 1), cell(2, 100, 50), cell(3, 100, 1)]
    versions = [version("1.0", 0, 3, 300, 0.01), version("1.1", 4, 5, 100, 0.5)]
    assert story.incidents(cells, HOURS, versions)[0].version is None


def test_an_only_version_is_not_to_blame() -> None:
    cells = [cell(0, 100, 1), cell(1, 100, 1), cell(2, 100, 50), cell(3, 100, 1)]
    assert story.incidents(cells, HOURS, [version("1.0", 0, 3, 300, 0.2)])[0].version is None


def test_of_routes_that_failed_together_the_one_with_the_bad_version_comes_first() -> None:
    calm = [cell(hour, 100, 0, route) for hour in (0, 1, 2) for route in ("checkout", "orders")]
    for row in calm:
        row["service_name"] = row["route"]
    failed = [
        {**cell(3, 100, 61, "checkout"), "service_name": "checkout"},
        {**cell(3, 100, 60, "orders"), "service_name": "orders"},
    ]
    versions = [version("1.0", 0, 2, 300, 0.0, "orders"), version("1.1", 3, 3, 100, 0.6, "orders")]
    assert [incident.route for incident in story.incidents([*calm, *failed], HOURS, versions)] == ["orders", "checkout"]


def test_a_route_that_fails_all_the_time_is_told_only_with_enough_errors_and_a_high_ratio() -> None:
    def route(name: str, requests: int, errors: int) -> dict[str, Any]:
        return {"route": name, "request_count": requests, "error_count": errors, "error_ratio": errors / requests}

    routes = [route("fine", 1000, 90), route("rare", 9, 9), route("bad", 100, 10), route("worse", 78, 78)]
    assert [row["route"] for row in story.failing_routes(routes)] == ["worse", "bad"]
