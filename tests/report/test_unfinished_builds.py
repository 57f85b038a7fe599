"""What is said of numbers after a build that was killed, that failed, or that was of some models only."""

import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipelines.cli.build import _results
from pipelines.errors import RunError, UsageError
from pipelines.report import units
from pipelines.report.facts import Facts
from pipelines.report.page import page
from pipelines.report.sentences import sentences
from pipelines.report.warehouse import ask, read_facts

Change = Callable[..., Path]
BEGUN = (
    "create schema marts_state",
    "create table marts_state.unfinished_build as select timestamptz '2026-11-18 10:00:00+00' as begin_time",
    """
    create table marts_state.changed_dates as
    from (values (date '2026-11-17', 'traces', true), ('2026-11-18', 'logs', true), ('2026-11-18', 'traces', true),
        ('2026-11-16', 'traces', false)) as dates (event_date, table_name, is_changed)
    """,
)
ENDED = (*BEGUN, "delete from marts_state.unfinished_build")
HELD = (
    "update marts.fct_slo_budget_daily set state = 'ok'",
    "update marts.fct_slo_burn_alerts set state = 'quiet'",
)
TEXT = (
    "The last build failed or left models out: numbers of 17 Nov 2026 to 18 Nov 2026 may be missing, old or wrong. "
    "Run otelmart build."
)


def test_the_dates_that_were_to_be_rebuilt_come_first_in_page_and_summary(warehouse: Change, facts: Facts) -> None:
    unfinished = read_facts(warehouse(*BEGUN))
    assert unfinished.due_dates == (date(2026, 11, 17), date(2026, 11, 18))
    first, *others = sentences(unfinished)
    assert (first.tone, units.plain(first.text)) == ("bad", TEXT)
    assert others == sentences(facts)
    assert TEXT in units.plain(page(unfinished))


def test_of_a_build_that_ended_well_nothing_is_said(warehouse: Change, facts: Facts) -> None:
    ended = read_facts(warehouse(*ENDED))
    assert ended.due_dates == ()
    assert sentences(ended) == sentences(facts)


@pytest.mark.parametrize(("changes", "said"), [(BEGUN, f"{TEXT}\n"), (ENDED, "")], ids=["begun", "ended"])
@pytest.mark.parametrize("verb", [["slo"], ["query", "select 1 as a", "--json"]], ids=lambda verb: verb[0])
def test_an_answer_is_given_and_what_to_think_of_it(
    warehouse: Change, otelmart: str, verb: list[str], changes: tuple[str, ...], said: str
) -> None:
    done = subprocess.run([otelmart, *verb, "--warehouse", warehouse(*changes)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, said)
    assert done.stdout


def test_objectives_of_an_unfinished_build_are_not_held(warehouse: Change, otelmart: str) -> None:
    check = [otelmart, "slo", "--check", "--warehouse"]
    begun = subprocess.run([*check, warehouse(*BEGUN, *HELD)], capture_output=True, text=True)
    assert begun.returncode == 1
    assert begun.stderr.endswith("the objectives cannot be judged by an unfinished build: run otelmart build\n")
    assert subprocess.run([*check, warehouse(*ENDED, *HELD)], capture_output=True).returncode == 0


def test_a_mart_that_was_not_reached_is_explained(warehouse: Change) -> None:
    path = warehouse(*BEGUN, "drop table marts.fct_errors_hourly")
    with pytest.raises(UsageError) as refused:
        ask(path, "select * from fct_errors_hourly")
    assert str(refused.value).startswith("Catalog Error: Table with name fct_errors_hourly does not exist!")
    assert str(refused.value).endswith(f". {TEXT}")


def test_results_that_a_full_disk_cut_off_are_named(tmp_path: Path) -> None:
    path = tmp_path / "run_results.json"
    path.write_text('{"results": [{"unique_id": "model.otel')
    with pytest.raises(RunError, match=r"could not write all of .*run_results.json: free some room on its disk"):
        _results(path)


def test_dates_that_other_models_made_are_named_last(warehouse: Change, facts: Facts) -> None:
    changed = read_facts(
        warehouse(
            "create schema marts_state",
            "create table marts_state.last_build as select 'new' as models",
            """
            create table marts_state.built_dates as
            from (values (date '2026-11-16', 'old'), ('2026-11-17', null), ('2026-11-18', 'new'))
                as built (event_date, models)
            """,
        )
    )
    *others, last = sentences(changed)
    assert others == sentences(facts)
    assert (last.tone, units.plain(last.text)) == (
        "plain",
        "Numbers of 16 Nov 2026 to 17 Nov 2026 were made by other models than later ones, and may not compare with "
        "them. Run otelmart build --full-refresh to make all anew.",
    )
