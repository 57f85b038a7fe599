"""Logins and active users of whole demo runs, held to what the shop itself knows."""

from collections import Counter

from tests.demo.conftest import Built
from tests.demo.test_truth import truth_by_key


def test_login_attempts_by_status_and_reason(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, login_status,
            case when login_status = 'failed' then failure_reason end, count(*)
        from marts.fct_logins group by all
    """
    keys = ("environment", "event_date", "login_status", "login_failure_reason")
    assert built.by_key(sql, 4) == truth_by_key(built.truth["logins"], keys, "login_count")


def test_logins_of_a_day_add_up(built: Built) -> None:
    attempts: Counter[tuple[str, str]] = Counter()
    successes: Counter[tuple[str, str]] = Counter()
    for row in built.truth["logins"]:
        attempts[row["environment"], row["event_date"]] += row["login_count"]
        successes[row["environment"], row["event_date"]] += row["login_count"] * (row["login_status"] == "success")
    sql = """
        select deployment_environment, event_date, attempt_count, success_count, failure_count, success_ratio
        from marts.fct_logins_daily
    """
    truth = {key: (n, successes[key], n - successes[key], successes[key] / n) for key, n in attempts.items()}
    assert built.by_key(sql, 2) == truth


def test_failures_by_reason(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, failure_reason, failure_count
        from marts.fct_login_failures_daily where login_status = 'failed'
    """
    failed = [row for row in built.truth["logins"] if row["login_status"] == "failed"]
    keys = ("environment", "event_date", "login_failure_reason")
    assert built.by_key(sql, 3) == truth_by_key(failed, keys, "login_count")


def test_logins_are_what_the_counter_counted(built: Built) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for row in built.truth["counters"]:
        if row["metric_name"] == "user.login.attempts":
            for date, increase in row["increase_by_date"].items():
                counted[row["environment"], date] += increase
    sql = "select deployment_environment, event_date, attempt_count from marts.fct_logins_daily"
    assert built.by_key(sql, 2) == {key: n for key, n in counted.items() if n}


def test_active_users_of_a_day(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, active_user_count
        from marts.fct_active_users_daily where service_namespace = '(all)'
    """
    assert built.by_key(sql, 2) == truth_by_key(
        built.truth["active_users"], ("environment", "event_date"), "user_count"
    )


def test_new_and_returning_users_are_all_users_and_everyone_is_new_once(built: Built) -> None:
    (row,) = built.rows("""
        select
            sum(new_user_count)
            = (select count(*) from marts_intermediate.int_users where service_namespace = '(all)'),
            bool_and(new_user_count + returning_user_count = active_user_count)
        from marts.fct_active_users_daily where service_namespace = '(all)'
    """)
    assert row == (True, True)
