"""What a trace waited for, in traces of a few spans; times in ms."""

from typing import Any

from pipelines.report.critical_path import critical_ms

Placed = tuple[dict[str, Any], int]


def span(depth: int, offset_ms: float, duration_ms: float | None, kind: str = "INTERNAL") -> Placed:
    return {"offset_ms": offset_ms, "duration_ms": duration_ms, "span_kind": kind}, depth


def test_a_lone_span_is_its_own_path() -> None:
    assert critical_ms([span(0, 0, 10)], 10) == [10]


def test_the_child_that_ends_last_is_waited_for_and_then_what_ended_before_it_began() -> None:
    # 100 = 10 own at the start, 20..50, 10 own between, 60..90, 10 own at the end, and 10 own before 20
    found = critical_ms([span(0, 0, 100), span(1, 20, 30), span(1, 60, 30), span(1, 55, 20)], 100)
    assert found == [40, 30, 30, None]


def test_the_time_of_a_path_is_the_time_of_its_root() -> None:
    found = critical_ms([span(0, 0, 100), span(1, 10, 80), span(2, 20, 30), span(2, 60, 20)], 100)
    assert found == [20, 30, 30, 20]
    assert sum(ms or 0 for ms in found) == 100


def test_a_click_waits_for_the_request_that_it_set_off_and_that_ends_after_it() -> None:
    # click 0..40, request 25..125: the whole is 125, of which 25 before the request
    assert critical_ms([span(0, 0, 40), span(1, 25, 100)], 125) == [25, 100]


def test_nobody_waits_for_the_consumer_of_a_message() -> None:
    assert critical_ms([span(0, 0, 40), span(1, 10, 20, "PRODUCER"), span(2, 35, 500, "CONSUMER")], 535) == [
        20,
        20,
        None,
    ]


def test_a_span_that_repeats_a_sibling_stands_back_for_the_one_that_has_children() -> None:
    found = critical_ms([span(0, 0, 100), span(1, 1, 98), span(1, 2, 96), span(2, 3, 90)], 100)
    assert found == [4, None, 6, 90]


def test_what_lies_beyond_the_part_that_is_drawn_is_not_waited_for() -> None:
    assert critical_ms([span(0, 0, 240_000), span(1, 10, 90)], 100) == [10, 90]


def test_a_span_without_an_end_takes_no_time() -> None:
    assert critical_ms([span(0, 0, 10), span(1, 5, None)], 10) == [10, None]


def test_no_span_has_no_path() -> None:
    assert critical_ms([], 1) == []
