"""Exceptions and log records of whole demo runs, held to what the shop itself knows."""

from collections import Counter
from typing import Any

from tests.demo.conftest import Built
from tests.demo.test_truth import truth_by_key


def test_exceptions_by_type_and_how_many_signals_tell_of_them(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, exception_type,
            count(*), sum(span_event_count), sum(log_record_count)
        from marts.fct_errors group by all
    """
    measures = ("exception_count", "span_event_count", "log_record_count")
    keys = ("environment", "service_name", "exception_type")
    assert built.by_key(sql, 3) == truth_by_key(built.truth["errors"], keys, *measures)


def test_exceptions_by_version(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, exception_type, service_version, sum(observed_exception_count)
        from marts.fct_errors_hourly group by all
    """
    truth = {
        (row["environment"], row["service_name"], row["exception_type"], version): n
        for row in built.truth["errors"]
        for version, n in row["exception_count_by_version"].items()
    }
    assert built.by_key(sql, 4) == truth


def test_every_group_is_one_type_and_few_groups_hold_all(built: Built) -> None:
    sql = (
        "select deployment_environment, service_name, exception_type, count(*) from marts.dim_error_groups group by all"
    )
    group_counts: dict[Any, int] = built.by_key(sql, 3)
    assert set(group_counts) == {
        (row["environment"], row["service_name"], row["exception_type"]) for row in built.truth["errors"]
    }
    assert max(group_counts.values(), default=0) <= 2


def test_an_error_that_was_gone_in_the_broken_release_came_back(built: Built) -> None:
    absent_then_back = {
        (row["environment"], row["service_name"], row["exception_type"], "1.1.1")
        for row in built.truth["errors"]
        if {"1.0.0", "1.1.1"} <= set(row["exception_count_by_version"])
        and "1.1.0" not in row["exception_count_by_version"]
    }
    sql = """
        select deployment_environment, service_name, exception_type, regressed_in_version
        from marts.dim_error_groups where is_regressed
    """
    assert set(built.rows(sql)) == absent_then_back


def test_log_records_by_service_and_day(built: Built) -> None:
    keys = "deployment_environment, service_name, event_date"
    counts: Counter[tuple[str, ...]] = Counter()
    for mart in ("fct_log_volume_hourly", "fct_excluded_traffic_daily"):
        counts.update(built.by_key(f"select {keys}, sum(log_record_count) from marts.{mart} group by all", 3))
    truth: Counter[tuple[str, ...]] = Counter()
    for row in built.truth["logs"]:
        truth[row["environment"], row["service_name"], row["event_date"]] += row["log_count"]
    assert +counts == truth


def test_errors_among_log_records(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, event_date, sum(error_log_record_count)
        from marts.fct_log_errors_hourly group by all having sum(error_log_record_count) > 0
    """
    truth: Counter[tuple[str, ...]] = Counter()
    for row in built.truth["logs"]:
        if row["severity_text"].upper() in ("ERROR", "FATAL"):
            truth[row["environment"], row["service_name"], row["event_date"]] += row["log_count"]
    assert built.by_key(sql, 3) == truth


def test_records_of_a_trace_know_their_span_unless_it_was_sampled_away(built: Built) -> None:
    sampled = built.truth["sampling"]["service_name"]
    without = f"select count(*) from marts.fct_trace_logs where not has_span and service_name != '{sampled}'"
    assert built.rows(without) == [(0,)]
    errors = sum(row["log_count"] for row in built.truth["logs"] if row["severity_text"].upper() == "ERROR")
    assert built.rows("select count(*) from marts.fct_trace_logs where severity = 'ERROR'") == [(errors,)]
