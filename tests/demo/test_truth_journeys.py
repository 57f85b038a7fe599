"""Steps, paths, callers and operations of whole demo runs, held to what the shop itself knows."""

from collections import Counter

from tests.demo.conftest import Built


def test_page_steps_and_paths_are_those_of_the_sessions(built: Built) -> None:
    pages: Counter[tuple[str, str]] = Counter()
    sessions: Counter[tuple[str, str]] = Counter()
    for row in built.truth["sessions"]:
        key = (row["environment"], row["session_date"])
        pages[key] += row["page_view_count"]
        sessions[key] += sum(row["landing_pages"].values())
    steps = """
        select deployment_environment, event_date, count(*) from marts.fct_journey_steps
        where step_type = 'page_view' group by all
    """
    paths = "select deployment_environment, event_date, sum(session_count) from marts.fct_paths_daily group by all"
    assert built.by_key(steps, 2) == pages
    assert built.by_key(paths, 2) == sessions


def test_a_path_begins_with_its_landing_page(built: Built) -> None:
    sql = """
        select deployment_environment, event_date, split_part(path, ' > ', 1), sum(session_count)
        from marts.fct_paths_daily group by all
    """
    truth = {
        (row["environment"], row["session_date"], page): count
        for row in built.truth["sessions"]
        for page, count in row["landing_pages"].items()
    }
    assert built.by_key(sql, 3) == truth


def test_requests_by_caller_are_all_requests(built: Built) -> None:
    sql = """
        select deployment_environment, service_name, operation, event_date, sum(observed_request_count)
        from marts.fct_latency_callers_hourly group by all
    """
    truth = {
        (row["environment"], row["service_name"], row["http_route"], row["date"]): row["kept_request_count"]
        for row in built.truth["latency_daily"]
        if row["kept_request_count"]
    }
    assert built.by_key(sql, 4) == truth


def test_every_order_sends_one_message(built: Built) -> None:
    sql = "select coalesce(sum(observed_operation_count), 0) from marts.fct_operations_hourly where operation = 'send'"
    orders = sum(row["order_count"] for row in built.truth["orders"])
    assert built.rows(sql) == [(orders,)]
