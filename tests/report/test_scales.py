"""Axes: where values stand, and which ticks are drawn."""

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.report import scales


def test_a_linear_axis_begins_at_zero_and_ends_at_a_round_number() -> None:
    axis = scales.linear(2620, 2)
    assert axis.ticks == (0, 1500, 3000)
    assert axis.at(750) == 25


def test_an_axis_of_counts_has_whole_ticks() -> None:
    assert scales.whole(1.15, 2).ticks == (0, 1, 2)
    assert scales.whole(3, 2).ticks == (0, 2, 4)
    assert scales.whole(2620, 2).ticks == (0, 1500, 3000)


def test_an_axis_of_shares_has_no_tick_above_all() -> None:
    assert scales.shares(0.4, 2).ticks == (0, 0.2, 0.4)
    assert scales.shares(1.15, 2) == scales.Scale(0, 1.15, (0, 0.5, 1))


def test_an_axis_without_values_still_has_a_length() -> None:
    assert scales.linear(0, 2).ticks == (0, 0.5)


def test_a_logarithmic_axis_ticks_at_powers_of_ten() -> None:
    axis = scales.logarithmic(3, 4000)
    assert axis.ticks == (10, 100, 1000)
    assert (axis.low, axis.high) == (2, 5000)
    assert axis.at(100) == pytest.approx(50)


def test_a_short_logarithmic_axis_ticks_at_one_two_five() -> None:
    assert scales.logarithmic(60, 400).ticks == (50, 100, 200, 500)


def test_a_single_value_gets_an_axis_around_it() -> None:
    axis = scales.logarithmic(100, 100)
    assert (axis.low, axis.high) == (100, 1000)


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ([0.5, 3, 20, 150, 900, 4000], [50, 100, 200, 500, 1000, 2000]),
        ([float(value) for value in range(1, 1001)], [140, 290, 430, 570, 720, 860]),
        ([5.0, 5.0], []),
        ([], []),
    ],
)
def test_colours_step_at_round_numbers_when_values_spread_and_else_at_quantiles(
    values: list[float], steps: list[float]
) -> None:
    assert scales.colour_steps(values, 7) == steps


def test_an_hour_without_data_has_its_place_on_the_axis() -> None:
    times = [datetime(2026, 11, 16, hour, tzinfo=UTC) for hour in (8, 9, 12)]
    assert [time.hour for time in scales.without_gaps(times, timedelta(hours=1))] == [8, 9, 10, 11, 12]
    assert scales.without_gaps([], timedelta(hours=1)) == []


def test_a_date_far_off_does_not_stretch_the_axis() -> None:
    times = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)]
    assert scales.without_gaps(times, timedelta(days=1)) == times


@pytest.mark.parametrize(
    ("start", "hour_count", "marks"),
    [
        ("16 12:00", 24, "0 16 Nov, 25 18:00, 50 17 Nov, 75 06:00"),
        ("16 00:00", 72, "0 16 Nov, 17 12:00, 33 17 Nov, 50 12:00, 67 18 Nov, 83 12:00"),
        ("16 23:00", 25, "4 17 Nov, 28 06:00, 52 12:00, 76 18:00"),  # of the first day there is an hour
        ("16 11:00", 50, "0 16 Nov, 26 17 Nov, 50 12:00, 74 18 Nov, 98 12:00"),
        ("16 12:00", 120, "0 16 Nov, 10 17 Nov, 30 18 Nov, 50 19 Nov, 70 20 Nov, 90 21 Nov"),
    ],
)
def test_days_are_marked_where_they_begin_and_the_hours_of_few(start: str, hour_count: int, marks: str) -> None:
    first = datetime.strptime(f"2026 11 {start}", "%Y %m %d %H:%M").replace(tzinfo=UTC)
    marked = scales.time_marks([first + timedelta(hours=hour) for hour in range(hour_count)])
    assert ", ".join(f"{left:.0f} {text}" for left, text in marked) == marks


@pytest.mark.parametrize("day_count", [1, 2, 9, 40, 400])
def test_days_as_columns_have_at_most_eight_marks(day_count: int) -> None:
    times = [datetime(2026, 11, 1) + timedelta(days=day) for day in range(day_count)]
    marks = scales.time_marks(times)
    assert min(day_count, 5) <= len(marks) <= 8
    assert marks[0] == (0, "1 Nov")


def test_no_time_has_no_mark() -> None:
    assert scales.time_marks([]) == []


def test_a_single_day_is_marked_by_its_hours() -> None:
    start = datetime(2026, 11, 16, 8, tzinfo=UTC)
    times = [start + timedelta(hours=hour) for hour in range(10)]
    assert scales.time_marks(times) == [(0, "08:00"), (20, "10:00"), (40, "12:00"), (60, "14:00"), (80, "16:00")]
