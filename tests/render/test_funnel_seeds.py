"""Mistakes in the seeds of funnels and rules are named by file and line, before anything is built."""

from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.render import funnel_seeds

FILES = {
    "funnels.csv": "funnel,description,window_hours,counted_per,step_order\norder,d,24,session,in_order\n",
    "funnel_steps.csv": "funnel,step_number,step_name,fact,name\n"
    "order,1,cart,page_view,cart\norder,2,order,order,placed\n",
    "fact_rules.csv": "fact,priority,signal,name,column_name,column_value,is_stand_in\n"
    "page_view,1,span,page.view,,,false\n",
}


def test_the_seeds_that_are_shipped_have_no_mistake(repo: Path) -> None:
    funnel_seeds.check(repo / "dbt" / "seeds")


@pytest.mark.parametrize(
    ("file", "old", "new", "text"),
    [
        ("funnels.csv", "order,d", "other,d", "seeds/funnels.csv line 2: funnel 'other' has no step"),
        ("funnels.csv", ",24,", ",48,", "seeds/funnels.csv line 2: window_hours is '48'; write 1 to 24"),
        ("funnels.csv", ",24,", ",soon,", "seeds/funnels.csv line 2: window_hours is 'soon'; write 1 to 24"),
        ("funnel_steps.csv", "order,2", "order,3", "line 3: step_number of 'order' is '3'; the next is 2"),
        (
            "funnel_steps.csv",
            "order,2,order,order,placed",
            "x,1,a,order,placed",
            "line 3: no funnel 'x' in funnels.csv",
        ),
        ("funnel_steps.csv", "page_view,cart", "view,cart", "line 2: unknown fact 'view'; choose one of page_view,"),
        ("fact_rules.csv", "page_view", "pageview", "seeds/fact_rules.csv line 2: unknown fact 'pageview'"),
        (
            "fact_rules.csv",
            "page.view,,,false",
            "page.view",
            "fact_rules.csv line 2: not as many cells as the header has",
        ),
        ("fact_rules.csv", "fact,", "facts,", "seeds/fact_rules.csv line 1: no column 'fact': add it to the header"),
        ("funnels.csv", ",24,", ",²,", "seeds/funnels.csv line 2: window_hours is '²'; write 1 to 24"),
        (
            "funnels.csv",
            "order,d",
            "order," + "d" * 200_000,
            "line 1: no CSV, field larger than field limit",
        ),
    ],
)
def test_a_mistake_is_named_by_file_and_line(tmp_path: Path, file: str, old: str, new: str, text: str) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name, content in FILES.items():
        (seeds / name).write_text(content.replace(old, new) if name == file else content)
    with pytest.raises(UsageError) as caught:
        funnel_seeds.check(seeds)
    assert text in str(caught.value)


@pytest.mark.parametrize(("content", "text"), [(b"", "line 1: no column 'funnel'"), (b"\xff", ": not UTF-8 text")])
def test_a_file_that_is_no_csv_is_named(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "funnels.csv").write_bytes(content)
    with pytest.raises(UsageError, match=f"funnels.csv{'' if text[0] == ':' else ' '}{text}"):
        funnel_seeds.check(tmp_path)
