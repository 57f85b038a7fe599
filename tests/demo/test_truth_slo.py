"""SLO marts of whole demo runs, held to the shop's truth and to sums done the slow way."""

from collections import Counter, defaultdict
from typing import Any

from tests.demo.conftest import Built

FIVE_MINUTES = 300


def requests(built: Built, *measures: str) -> dict[tuple[str, str, str], tuple[int, ...]]:
    """{(environment, namespace, date): sums of the measures} over the requests whose spans were kept."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * len(measures))
    for row in built.truth["latency_daily"]:
        key = (row["environment"], row["service_namespace"], row["date"])
        sums[key] = [total + row[measure] for total, measure in zip(sums[key], measures, strict=True)]
    return {key: tuple(values) for key, values in sums.items() if values[0]}


def slots(built: Built, slo_id: str, keys: str, measures: str) -> dict[tuple[Any, ...], Any]:
    """{keys: measures} of fct_sli_5m for one objective, without the keys that saw nothing."""
    names = keys.split(", ")
    sql = f"""
        select {keys}, {measures} from marts.fct_sli_5m
        where slo_id = '{slo_id}' group by all having sum(observed_valid_count + unmeasured_count) > 0
    """
    return built.by_key(sql, len(names))


def test_availability_counts_every_request_and_error_of_a_day(built: Built) -> None:
    found = slots(
        built,
        "api-availability",
        "deployment_environment, service_namespace, event_date",
        "cast(sum(observed_valid_count) as int), cast(sum(observed_bad_count) as int)",
    )
    assert found == requests(built, "kept_request_count", "kept_error_count")


def test_latency_counts_requests_under_500_ms_among_those_with_a_duration(built: Built) -> None:
    found = slots(
        built,
        "api-latency",
        "deployment_environment, service_namespace, event_date",
        "cast(sum(observed_valid_count) as int), cast(sum(observed_good_count) as int)",
    )
    assert found == requests(built, "kept_finished_count", "kept_under_500ms_count")


def test_service_availability_keeps_services_apart(built: Built) -> None:
    truth: dict[tuple[str, ...], tuple[int, int]] = {}
    for row in built.truth["latency_daily"]:
        key = (row["environment"], row["service_namespace"], row["service_name"], row["date"])
        valid, bad = truth.get(key, (0, 0))
        truth[key] = (valid + row["kept_request_count"], bad + row["kept_error_count"])
    found = slots(
        built,
        "service-availability",
        "deployment_environment, service_namespace, service_name, event_date",
        "cast(sum(observed_valid_count) as int), cast(sum(observed_bad_count) as int)",
    )
    assert found == {key: counts for key, counts in truth.items() if counts[0]}


def test_login_success_counts_every_attempt_once(built: Built) -> None:
    attempts: Counter[tuple[str, str]] = Counter()
    successes: Counter[tuple[str, str]] = Counter()
    for row in built.truth["logins"]:
        key = (row["environment"], row["event_date"])
        attempts[key] += row["login_count"]
        successes[key] += row["login_count"] if row["login_status"] == "success" else 0
    found = slots(
        built,
        "login-success",
        "deployment_environment, event_date",
        "cast(sum(valid_count) as int), cast(sum(good_count) as int)",
    )
    assert found == {key: (count, successes[key]) for key, count in attempts.items()}


def test_sampled_services_weigh_what_they_stand_for(built: Built) -> None:
    sampling = built.truth["sampling"]
    sql = f"""
        select sum(valid_count) from marts.fct_sli_5m
        where slo_id = 'service-availability' and service_name = '{sampling["service_name"]}'
    """
    assert built.rows(sql) == [(sampling["kept_request_count"] / sampling["ratio"],)]


def test_every_day_with_data_has_dense_slots_that_say_no_data_when_silent(built: Built) -> None:
    sql = """
        select min(seconds), max(seconds), count(*) from (
            select epoch(slot_time) - epoch(lag(slot_time) over (
                partition by event_date, slo_id, deployment_environment, service_namespace, service_name
                order by slot_time
            )) as seconds from marts.fct_sli_5m
        ) where seconds is not null
    """
    [(shortest, longest, gaps)] = built.rows(sql)
    assert (shortest, longest) == (FIVE_MINUTES, FIVE_MINUTES)
    assert gaps > 0
    silent_but_good = "valid_count = 0 and (state <> 'no_data' or sli_ratio is not null)"
    assert built.rows(f"select count(*) from marts.fct_sli_5m where {silent_but_good}") == [(0,)]


def test_a_rolling_budget_is_the_sum_of_its_days(built: Built) -> None:
    sql = """
        select slo_id, deployment_environment, service_namespace, service_name, event_date, {}
        from marts.{} where slo_id in ('api-availability', 'login-success') group by all
    """
    days = built.by_key(sql.format("cast(sum(bad_count) as int), cast(sum(valid_count) as int)", "fct_sli_5m"), 5)
    budgets = built.by_key(
        sql.format("cast(sum(bad_count) as int), cast(sum(valid_count) as int)", "fct_slo_budget_daily"), 5
    )
    assert budgets
    for key, sums in budgets.items():
        past = [counts for day, counts in days.items() if day[:4] == key[:4] and day[4] <= key[4]]
        assert sums == tuple(map(sum, zip(*past, strict=True))), key


def test_burn_alerts_agree_with_windows_summed_the_slow_way(built: Built) -> None:
    """Every slot of api-availability in production: the windows added up slot by slot, compared as in the workbook."""
    counts = {
        int(second): (bad, valid, seen)
        for second, bad, valid, seen in built.rows(
            """
            select epoch(slot_time), bad_count, valid_count, observed_valid_count from marts.fct_sli_5m
            where slo_id = 'api-availability' and deployment_environment = 'production' and service_namespace = 'shop'
            """
        )
    }
    alerts = built.rows(
        """
        select epoch(slot_time), long_window_minutes, short_window_minutes, burn_rate_threshold,
            long_bad_count, long_valid_count, short_bad_count, short_valid_count, state
        from marts.fct_slo_burn_alerts
        where slo_id = 'api-availability' and deployment_environment = 'production' and service_namespace = 'shop'
        """
    )
    assert len(alerts) == 4 * len(counts)
    for second, long_minutes, short_minutes, burn_rate, *sums, state in alerts:
        windows = [window(counts, int(second), minutes) for minutes in (long_minutes, short_minutes)]
        assert sums == [number for bad, valid, _ in windows for number in (bad, valid)]
        assert state == expected_state(windows, float(burn_rate) / 1000), (second, long_minutes)


def window(
    counts: dict[int, tuple[float, float, int]], last_slot_second: int, minutes: int
) -> tuple[float, float, int]:
    """Bad, valid and seen events of the slots that end with the last one."""
    begin = last_slot_second + FIVE_MINUTES - minutes * 60
    inside = [counts.get(second, (0, 0, 0)) for second in range(begin, last_slot_second + 1, FIVE_MINUTES)]
    bad, valid, seen = (sum(column) for column in zip(*inside, strict=True))
    return bad, valid, int(seen)


def expected_state(windows: list[tuple[float, float, int]], bad_ratio: float) -> str:
    """What an alert of a 99.9 % objective with at least 100 events says."""
    if any(valid == 0 for _, valid, _ in windows):
        return "no_data"
    if windows[0][2] < 100:
        return "low_traffic"
    return "firing" if all(bad / valid > bad_ratio for bad, valid, _ in windows) else "quiet"
