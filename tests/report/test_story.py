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


def test_a_difference_that_chance_explains_is_not_broken() -> None:
    assert story.broken_steps([step(DAYS[0], 10, 7), step(DAYS[1], 10, 5), step(DAYS[2], 10, 8)]) == []


def test_a_single_day_has_nothing_to_be_compared_with() -> None:
    assert story.broken_steps([step(DAYS[0], 100, 1)]) == []


def test_the_first_step_cannot_break() -> None:
    assert story.broken_steps([step(day, None, count) for day, count in zip(DAYS, (900, 2, 900), strict=True)]) == []


def test_an_incident_is_the_stretch_with_the_most_excess_errors() -> None:
    # ratios: 0.01 0.01 0.50 0.40 0.01 0.01; the median is 0.01
    cells = [cell(0, 100, 1), cell(1, 100, 1), cell(2, 100, 50), cell(3, 100, 40), cell(4, 100, 1), cell(5, 100, 1)]
    found = story.incidents(cells, HOURS)
    assert found == [story.Incident("order-service", "POST /orders", HOURS[2], HOURS[3], 200, 90, 0.01)]


def test_a_steady_error_ratio_is_no_incident() -> None:
    assert story.incidents([cell(hour, 1000, 200) for hour in range(6)], HOURS) == []


def test_a_handful_of_errors_is_no_incident() -> None:
    assert story.incidents([cell(0, 100, 0), cell(1, 5, 5), cell(2, 100, 0)], HOURS) == []


def test_the_worst_incident_comes_first() -> None:
    calm = [cell(hour, 100, 0, route) for hour in (0, 1, 2) for route in ("a", "b")]
    found = story.incidents([*calm, cell(3, 100, 30, "a"), cell(3, 100, 60, "b")], HOURS)
    assert [(incident.route, incident.error_count) for incident in found] == [("b", 60), ("a", 30)]
