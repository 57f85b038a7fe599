"""Reconciliation, dead letters and excluded traffic, held to what the shop sent."""

from tests.demo.conftest import Built
from tests.demo.test_truth import truth_by_key


def test_reconciliation_explains_every_row_by_table_and_day(built: Built) -> None:
    sql = """
        select table_name, event_date,
            outside_row_count, written_row_count, distinct_row_count, lost_row_count, unexplained_count
        from marts.fct_reconciliation_daily where has_outside_count
    """
    truth = truth_by_key(
        built.truth["rows"], ("table_name", "event_date"), "row_count", "delivered_row_count", "distinct_row_count"
    )
    assert built.by_key(sql, 2) == {key: (*measures, 0, 0) for key, measures in truth.items()}


def test_each_message_is_in_the_ledger_however_often_it_came(built: Built) -> None:
    sql = f"""
        select signal, count(distinct payload_id)
        from read_parquet('{built.lake}/ingest_ledger/*.parquet')
        where table_name = signal and written_row_count > 0 group by all
    """
    found = {row[0]: row[1] for row in built.rows(sql)}
    assert found == {row["signal"]: row["message_count"] for row in built.truth["messages"]}


def test_conflicting_rows_are_spans_sent_again_with_another_end(built: Built) -> None:
    ((conflicts,),) = built.rows(
        "select cast(sum(conflicting_row_count) as bigint) from marts.fct_reconciliation_daily"
    )
    assert conflicts == built.truth["oddities"]["conflicting_span"]


def test_dead_letters_by_signal_and_reason(built: Built) -> None:
    sql = """
        select signal, reason, cast(sum(message_count) as bigint), cast(sum(row_count) as bigint)
        from marts.fct_dead_letters_daily group by all
    """
    truth: dict[tuple[str, str], tuple[int, int]] = {}
    for row in built.truth["dead_letters"]:
        is_message = row["scope"] == "message"
        truth[row["signal"], row["reason"]] = (
            row["dead_letter_count"] if is_message else 0,
            0 if is_message else row["dead_letter_count"],
        )
    assert built.by_key(sql, 2) == truth


def test_excluded_requests_by_reason_service_and_day(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, excluded_reason, service_name, observed_request_count
        from marts.fct_excluded_traffic_daily where observed_request_count > 0
    """
    keys = ("environment", "event_date", "reason", "service_name")
    truth = truth_by_key(built.truth["excluded"], keys, "kept_request_count")
    assert built.by_key(sql, 4) == {key: count for key, count in truth.items() if count}
