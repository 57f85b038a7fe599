"""Layers of a graph of calls: who stands above whom, and where a long call passes."""

from itertools import permutations

from pipelines.report.layers import depths, layers


def test_no_call_has_no_layer() -> None:
    assert layers([]) == []


def test_a_callee_stands_below_all_its_callers() -> None:
    assert depths([("web", "api"), ("api", "db"), ("web", "db")]) == {"web": 0, "api": 1, "db": 2}


def test_a_long_call_has_a_place_of_its_own_in_each_layer_between() -> None:
    found = layers([("web", "api"), ("api", "db"), ("web", "db")])
    assert [sorted(layer) for layer in found] == [[("web",)], [("api",), ("web", "db")], [("db",)]]


def test_a_node_that_nobody_calls_stands_just_above_what_it_calls() -> None:
    assert depths([("web", "api"), ("api", "db"), ("cron", "db")])["cron"] == 1


def test_a_circle_and_a_call_to_oneself_end() -> None:
    assert depths([("web", "a"), ("a", "b"), ("b", "a"), ("b", "b")]) == {"web": 0, "a": 1, "b": 2}
    assert layers([("a", "b"), ("b", "a")]) == [[("a",)], [("b",)]]
    assert layers([("a", "a")]) == [[("a",)]]


def test_lines_that_need_not_cross_do_not() -> None:
    found = layers([("web", "a"), ("web", "b"), ("b", "y"), ("a", "x"), ("b", "z")])
    assert [slot[0] for slot in found[1]] in (["a", "b"], ["b", "a"])
    below = [slot[0] for slot in found[2]]
    assert below.index("x") == (0 if found[1][0] == ("a",) else 2)


def test_each_node_stands_once_whatever_the_order_of_the_calls() -> None:
    calls = [("web", "api"), ("api", "db"), ("api", "queue"), ("queue", "mail")]
    for some in permutations(calls):
        assert depths(some) == {"web": 0, "api": 1, "db": 2, "queue": 2, "mail": 3}


def test_a_chain_of_a_thousand_services_is_no_recursion() -> None:
    assert len(layers([(f"{n}", f"{n + 1}") for n in range(1500)])) == 1501
