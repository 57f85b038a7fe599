"""Numbers as people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pipelines.report import units
from pipelines.report.facts import Scope

BUILT = datetime(2026, 11, 19, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (None, "no data"),
        (0, "0 %"),
        (0.00001, "< 0.01 %"),
        (0.0042, "0.42 %"),
        (0.0421, "4.2 %"),
        (0.5, "50.0 %"),
        (0.9995, "99.95 %"),
        (0.99999, "> 99.99 %"),
        (1, "100 %"),
        (1.2, "120.0 %"),
    ],
)
def test_a_ratio_is_a_percentage_and_never_rounds_to_none_or_all(ratio: float | None, shown: str) -> None:
    assert units.plain(units.percent(ratio)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "no data"),
        (0.04, "0.04 ms"),
        (0.42, "0.4 ms"),
        (3, "3 ms"),
        (83.4, "83 ms"),
        (1234, "1.23 s"),
        (9.96, "10 ms"),
        (999.7, "1.00 s"),
        (61_000, "61 s"),
        (4_000_000, "1 h 6 min"),
    ],
)
def test_a_latency_has_its_unit(value: float | None, shown: str) -> None:
    assert units.plain(units.milliseconds(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "no data"), (42.4, "42 s"), (75, "1 min 15 s"), (4000, "1 h 6 min"), (2_588_000, "29 d 22 h")],
)
def test_a_duration_is_read_in_the_units_of_its_size(value: float | None, shown: str) -> None:
    assert units.plain(units.seconds(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "no data"), (9999, "9,999"), (12_340, "12.3 k"), (Decimal("1234567.5"), "1.23 M"), (5.2e9, "5.20 G")],
)
def test_a_short_count_keeps_three_digits(value: float | None, shown: str) -> None:
    assert units.plain(units.short_count(value)) == shown


def test_money_has_two_decimals_and_an_empty_text_a_name() -> None:
    assert units.money(Decimal("1234.5")) == "1,234.50"
    assert units.text("") == "(none)"
    assert units.plural(1, "row") == "1 row"
    assert units.plural(1200, "row") == "1,200 rows"


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        (None, None, "no data"),
        (date(2026, 11, 16), date(2026, 11, 16), "16 Nov 2026"),
        (date(2026, 11, 16), date(2026, 11, 18), "16 – 18 Nov 2026"),
        (date(2026, 11, 30), date(2026, 12, 2), "30 Nov – 2 Dec 2026"),
        (date(2026, 12, 31), date(2027, 1, 2), "31 Dec 2026 – 2 Jan 2027"),
    ],
)
def test_a_period_says_no_more_than_is_needed(first: date | None, last: date | None, shown: str) -> None:
    assert units.plain(Scope("production", first, last, BUILT, "hour").period()) == shown


@pytest.mark.parametrize(
    ("grain", "start", "end", "shown"),
    [
        (
            "hour",
            datetime(2026, 11, 17, 9, tzinfo=UTC),
            datetime(2026, 11, 17, 16, tzinfo=UTC),
            "on 17 Nov from 09:00 to 17:00 UTC",
        ),
        (
            "hour",
            datetime(2026, 11, 17, 22, tzinfo=UTC),
            datetime(2026, 11, 18, 2, tzinfo=UTC),
            "from 17 Nov 22:00 to 18 Nov 03:00 UTC",
        ),
        ("day", datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC), "on 17 Nov"),
        ("day", datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC), "from 17 Nov to 19 Nov"),
    ],
)
def test_a_stretch_of_time_ends_where_its_last_step_ends(
    grain: str, start: datetime, end: datetime, shown: str
) -> None:
    assert units.plain(Scope("production", None, None, BUILT, grain).stretch(start, end)) == shown


def test_a_title_leaves_the_letters_of_a_name_alone() -> None:
    assert Scope("QA-eu", None, None, BUILT, "hour").title() == "QA-eu"
    assert Scope("production", None, None, BUILT, "hour").title() == "Production"
