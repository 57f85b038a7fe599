"""The map of services: each number in it is one of the mart, and what fails is told by more than a colour."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from pipelines.report import units
from pipelines.report.facts import Facts
from pipelines.report.figures.service_map import service_map
from pipelines.report.html import Markup
from pipelines.report.page import page
from pipelines.report.warehouse import read_facts

Change = Callable[..., Path]


def boxes(markup: Markup) -> dict[str, list[list[str]]]:
    """Name → the texts of each call that comes in."""
    found = {}
    for box in re.split(r'<li class="map-box', units.plain(markup))[1:]:
        name = re.findall(r"<b>(.*?)</b>", box)[0]
        lines = re.findall(r"<li[^>]*>(.*?)</li>", box[: box.index("</ul>")])
        found[name] = [
            [part.strip() for part in re.sub(r"<[^>]+>", "|", line).split("|") if part.strip()] for line in lines
        ]
    return found


def edge(caller: str, callee: str, calls: float = 100, ratio: float = 0.0) -> dict[str, Any]:
    return {
        "caller_name": caller,
        "callee_name": callee,
        "is_external": False,
        "call_type": "http",
        "call_count": calls,
        "error_ratio": ratio,
        "highest_p95_ms": 20.0,
    }


def test_a_box_names_its_callers_with_calls_failures_and_p95_of_the_mart(facts: Facts, literal: Path) -> None:
    with duckdb.connect(str(literal), read_only=True) as connection:
        mart = connection.execute(
            "select callee_name, caller_name, sum(weight_micros) / 1e6,"
            " sum(error_weight_micros) / sum(weight_micros), max(p95_duration_ms)"
            " from marts.fct_service_edges_hourly where deployment_environment = 'production' group by all"
        ).fetchall()
    expected = {
        callee: [
            [
                "from",
                caller,
                units.short_count(calls),
                f"✕ {units.percent(ratio)}" if ratio else "–",
                units.milliseconds(p95),
            ]
        ]
        for callee, caller, calls, ratio, p95 in mart
    }
    plain = {name: [[units.plain(text) for text in line] for line in lines] for name, lines in expected.items()}
    # 63 of 400 calls failed: 15.75 %
    assert plain["order-service"] == [["from", "web", "400", "✕ 15.8 %", "1.50 s"]]
    assert boxes(service_map(facts.rows("services"))) == {"web": [["not called by another service"]], **plain}


def test_a_call_that_fails_often_is_dashed_and_told_in_words_and_stands_on_top() -> None:
    markup = service_map([edge("web", "api", ratio=0.2), edge("api", "db", ratio=0.001), edge("api", "mail")])
    assert re.findall(r'class="(call[^"]*)"', markup) == ["call", "call", "call failing"]
    told = {name: lines[0][3] for name, lines in boxes(markup).items() if name != "web"}
    assert told == {"api": "✕ 20.0 %", "db": "✕ 0.10 %", "mail": "–"}


def test_a_busier_call_is_drawn_wider() -> None:
    widths = re.findall(r"stroke-width:([\d.]+)px", service_map([edge("web", "a", 1000), edge("web", "b", 10)]))
    assert float(widths[0]) > 2 * float(widths[1])


def test_boxes_of_a_layer_do_not_overlap() -> None:
    markup = service_map([edge("web", f"api {n}") for n in range(30)])
    style = r"left:([\d.]+)%;width:([\d.]+)%;top:([\d.]+)rem"
    places = [(float(top), float(left), float(width)) for left, width, top in re.findall(style, markup)]
    assert len(places) == 31
    for (top, left, width), (next_top, next_left, _) in pairwise(sorted(places)):
        assert width > 15
        assert top < next_top or left + width < next_left


def test_circles_and_calls_to_oneself_are_drawn() -> None:
    assert set(boxes(service_map([edge("a", "b"), edge("b", "a"), edge("b", "b")]))) == {"a", "b"}


def test_hostile_names_stay_text() -> None:
    markup = service_map([edge('"><img src=x onerror=alert(1)>', "<script>")])
    assert "<img" not in markup
    assert "<script>" not in markup


def test_of_many_calls_the_busiest_and_the_failing_are_drawn(warehouse: Change) -> None:
    many = """
        insert into marts.fct_service_edges_hourly
        select '2026-11-17', '2026-11-17 10:00:00+00', 'production', 'web', 'shop', 'service ' || n, 'http',
            (1000 + n) * 1000000, if(n = 1, 5000000, 0), 20, null
        from range(100) as r (n)
    """
    html = page(read_facts(warehouse(many)))
    assert "40 of 102 are drawn." in html
    drawn = re.findall(r'class="map-box.*?<b>(.*?)</b>', html)
    assert {"service 1", "service 99", "order-service"} <= set(drawn)
    assert "service 2" not in drawn


def test_a_service_whose_callers_are_not_drawn_is_not_said_to_have_none() -> None:
    told = boxes(service_map([edge("web", "api")], {"web", "api"}))
    assert told["web"] == [["its callers are in the table"]]
    assert boxes(service_map([edge("web", "api")], {"api"}))["web"] == [["not called by another service"]]


def test_one_service_that_calls_nobody_has_a_friendly_section(warehouse: Change) -> None:
    assert "No call was found" in page(read_facts(warehouse("delete from marts.fct_service_edges_hourly")))
