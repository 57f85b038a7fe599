"""Where each span of a trace stands below another."""

from typing import Any

from pipelines.report.span_tree import placed


def span(span_id: str, parent: str | None = None, kind: str = "INTERNAL", service: str = "api") -> dict[str, Any]:
    return {"span_id": span_id, "parent_span_id": parent, "span_kind": kind, "service_name": service}


def tree(*spans: dict[str, Any]) -> list[str]:
    return [f"{'.' * depth}{each['span_id']} {each['service_name']}" for each, depth in placed(spans)]


def test_children_stand_below_their_parent_in_order() -> None:
    assert tree(span("a"), span("b", "a"), span("c", "b"), span("d", "a")) == ["a api", ".b api", "..c api", ".d api"]


def test_a_span_without_its_parent_and_spans_in_a_circle_are_all_there() -> None:
    found = tree(span("a", "gone"), span("b", "c"), span("c", "b"), span("d", "d"))
    assert found[:1] == ["a api"]
    assert sorted(line.lstrip(".") for line in found) == ["a api", "b api", "c api", "d api"]


def test_the_two_halves_of_a_shared_id_stand_below_each_other() -> None:
    found = tree(
        span("root", service="web"),
        span("x", "root", "CLIENT", "web"),
        span("x", "root", "SERVER", "api"),
        span("a", "x", service="api"),
        span("w", "x", service="web"),
        span("o", "x", "SERVER", "other"),
    )
    assert found == ["root web", ".x web", "..x api", "...a api", "...o other", "..w web"]
