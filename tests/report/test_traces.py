"""The worst traces: which are drawn, what stands in their waterfalls, and how the heat map leads to them."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.report import traces, units
from pipelines.report.facts import Facts
from pipelines.report.page import page
from pipelines.report.warehouse import read_facts

Change = Callable[..., Path]


@pytest.fixture(scope="module")
def html(facts: Facts) -> str:
    return units.plain(page(facts))


def test_a_route_leads_to_its_worst_hours_and_a_trace_that_never_came_is_left_out(facts: Facts) -> None:
    orders = traces.by_route(facts)["shop order-service POST /api/orders"]
    assert [(row["reason"], row["trace_id"], row["badness"]) for row in orders] == [
        ("failed", "a1", 60),
        ("failed", "f0", 1),
        ("slow", "a1", 1500),
        ("slow", "a0", 200),
    ]


def test_an_hour_that_failed_leads_to_a_trace_that_failed(facts: Facts) -> None:
    found = {
        f"{time:%d %H}": row["trace_id"]
        for (_, time), row in traces.by_cell(facts).items()
        if "orders" in row["route_id"]
    }
    assert found == {"16 10": "f0", "17 10": "a1"}


def test_an_error_group_leads_to_its_trace(facts: Facts) -> None:
    found = [row["trace_id"] for row in traces.exemplars(facts) if row["reason"] == "exception"]
    assert found == ["a1", "b1"]


def test_the_numbers_of_the_traces_are_those_of_the_mart(facts: Facts, literal: Path) -> None:
    names = ("trace_id", "duration_ms", "span_count", "service_count", "error_count")
    with duckdb.connect(str(literal), read_only=True) as connection:
        mart = connection.execute(
            f"select {', '.join(names)} from marts.fct_traces where trace_id in ('a0', 'a1', 'f0', 'w0', 'b1')"
        ).fetchall()
    shown = [tuple(trace.row[name] for name in names) for trace in traces.traces(facts).values()]
    assert sorted(shown) == sorted(mart)


def test_a_waterfall_tells_span_service_start_duration_and_what_was_waited_for(html: str) -> None:
    body = html[html.index('id="trace-a1"') :]
    rows = re.findall(r"<tr.*?</tr>", body[: body.index("</table>")])[1:]
    texts = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in rows]
    # 1,500 of the request − 20 − 1,400 = 80 of its own; 1,510 − 1,500 = 10 of the click
    assert texts == [
        "checkout web ✕ error +0 ms 1.51 s 10 ms",
        "POST /api/orders order-service ✕ error +5 ms 1.50 s 80 ms",
        "price order-service ✕ NullPointerException: voucher &lt;text&gt; is null +10 ms 20 ms 20 ms",
        "select stock order-service +40 ms 1.40 s 1.40 s",
        "? lost its parent audit +50 ms unfinished",
    ]
    assert [re.findall(r'^<tr(?: class="(.*?)")?>', row)[0] for row in rows] == [
        "critical failed",
        "critical failed",
        "critical failed",
        "critical",
        "",
    ]


def test_a_trace_says_where_it_failed_and_what_it_waited_for(html: str) -> None:
    assert (
        "It failed in order-service, price: NullPointerException: voucher &lt;text&gt; is null. "
        "It waited longest for order-service, select stock: 1.40 s, 92.7 % of its time."
    ) in html
    assert "The longest wait was 1.40 s for order-service, select stock. 5 traces drawn, 2 of them with errors." in html


def test_a_page_view_is_cut_to_its_requests_and_spans_left_out_are_counted(html: str) -> None:
    body = html[html.index('id="trace-w0"') :]
    said = body[: body.index("</p>")]
    assert "The first 2 of 900 spans are drawn." in said
    assert "its bar ends in an arrow" in said
    assert 'class="on"' in body[: body.index("</table>")]


def test_each_link_leads_to_a_place_in_the_page_and_a_place_is_there_once(html: str) -> None:
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert {link for link in re.findall(r'href="#([^"]+)"', html)} <= set(ids)
    assert html.count('href="#trace-a1"') >= 2


def test_cells_lead_to_traces_in_words(html: str) -> None:
    links = re.findall(r'<a href="#(trace-\w+)" class="(to-\w+)".*?><span class="unseen">(.*?)</span>', html)
    assert links == [
        ("trace-f0", "to-failed", "a trace that failed: POST /api/orders, 16 Nov 10:00 UTC"),
        ("trace-a1", "to-failed", "a trace that failed: POST /api/orders, 17 Nov 10:00 UTC"),
        (
            "trace-w0",
            "to-slow",
            "the slowest trace: GET /&lt;img src=x onerror=window.wasRun=1&gt;, 16 Nov 10:00 UTC",
        ),
    ]


def test_a_trace_store_is_linked_by_https_and_nothing_else(html: str) -> None:
    assert 'href="https://traces.example/a0" rel="noreferrer noopener"' in html
    assert "javascript:" not in html


def test_without_traces_the_heat_map_has_no_links(warehouse: Change) -> None:
    html = page(read_facts(warehouse("delete from marts.fct_traces")))
    assert "No trace to draw" in html
    assert "to-failed" not in html[html.index("<body") :]


def test_a_warehouse_without_staging_says_what_is_missing(warehouse: Change) -> None:
    html = page(read_facts(warehouse("drop table marts_staging.stg_otel__spans")))
    assert "This warehouse has no marts_staging.stg_otel__spans: run otelmart build." in html


def test_a_trace_whose_spans_are_gone_is_told_without_bars(warehouse: Change) -> None:
    html = page(read_facts(warehouse("delete from marts_staging.stg_otel__spans")))
    assert "The first 0 of 5 spans are drawn." in html
