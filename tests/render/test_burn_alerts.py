"""Thresholds of the burn-rate alerts, as the SRE workbook has them and scaled to other windows."""

from decimal import Decimal

from pipelines.render.burn_alerts import Alert, alerts


def thresholds(target: str, days: int) -> list[tuple[str, str]]:
    return [(a.burn_rate_threshold, a.bad_ratio_threshold) for a in alerts("x", Decimal(target), days, 0)]


def test_30_days_at_three_nines_burn_at_14_4_and_6_and_3_and_1() -> None:
    assert thresholds("0.999", 30) == [("14.4", "0.0144"), ("6", "0.006"), ("3", "0.003"), ("1", "0.001")]


def test_windows_are_the_workbooks() -> None:
    found = [(a.severity, a.long_window_minutes, a.short_window_minutes) for a in alerts("x", Decimal("0.999"), 30, 0)]
    assert found == [("page", 60, 5), ("page", 360, 30), ("ticket", 1440, 120), ("ticket", 4320, 360)]


def test_shorter_budget_window_burns_faster_but_never_below_one() -> None:
    # 7 days: 2 % in 1 h is 0.02 * 168 = 3.36; 5 % in 6 h is 1.4; 10 % in 1 d is 0.7 and in 3 d 0.23, both raised to 1
    assert thresholds("0.99", 7) == [("3.36", "0.0336"), ("1.4", "0.014"), ("1", "0.01"), ("1", "0.01")]


def test_target_of_100_percent_fires_on_any_bad_event_and_has_no_burn_rate() -> None:
    assert thresholds("1", 30) == [("", "0")] * 4


def test_low_target_never_asks_for_more_than_half_of_the_events_to_be_bad() -> None:
    # at 90 %, 14.4 and 6 would need 144 % and 60 % bad
    assert thresholds("0.9", 30) == [("5", "0.5"), ("5", "0.5"), ("3", "0.3"), ("1", "0.1")]


def test_no_window_is_shorter_than_a_time_slice() -> None:
    found = list(alerts("x", Decimal("0.99"), 30, 60))
    assert found[0] == Alert("x", "burn-1h", "page", 60, 60, "0.144", "14.4")
    assert [a.short_window_minutes for a in found] == [60, 60, 120, 360]
