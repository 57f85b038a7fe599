"""The summary in the terminal: one screen, word for word, and the command around it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipelines.cli import main
from pipelines.report.facts import Facts
from pipelines.report.terminal import summary
from pipelines.report.warehouse import read_facts

Change = Callable[..., Path]
NEXT = [("otelmart report", "the same with pictures, one HTML page")]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_summary_of_the_literal_warehouse_reads_so(facts: Facts, repo: Path) -> None:
    assert summary(facts, NEXT, in_colour=False) == (repo / "tests" / "report" / "summary.txt").read_text()


def test_the_summary_fits_one_screen(facts: Facts) -> None:
    lines = summary(facts, NEXT, in_colour=False).splitlines()
    assert len(lines) <= 45
    assert max(len(line) for line in lines) <= 100


def test_colour_is_only_added_to_the_text(facts: Facts) -> None:
    coloured = summary(facts, NEXT, in_colour=True)
    assert "\x1b[" in coloured
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines())
    assert plain + "\n" == summary(facts, NEXT, in_colour=False)


def test_a_warehouse_of_empty_marts_says_no_data(warehouse: Change) -> None:
    names = (
        "latency_hourly",
        "latency_sketch_hourly",
        "sessions",
        "funnel_daily",
        "revenue_daily",
        "reconciliation_daily",
    )
    empty = warehouse(*(f"delete from marts.fct_{name}" for name in names))
    text = summary(read_facts(empty), NEXT, in_colour=False)
    for said in (
        "no data: the ledger is empty",
        "no data: no request was found",
        "no data: no session reached the first step",
        "no data: no session was found",
        "no data: no order was found",
    ):
        assert said in text


def test_a_route_that_always_fails_is_told_when_there_is_no_incident(warehouse: Change) -> None:
    steady = "update marts.fct_latency_hourly set error_count = request_count where service_name = 'order-service'"
    text = summary(read_facts(warehouse(steady)), NEXT, in_colour=False)
    assert "POST /api/orders (order-service) failed 100 % of 400 requests over the whole period." in text


def test_without_a_count_from_outside_the_verdict_says_what_it_cannot_see(warehouse: Change) -> None:
    uncounted = "update marts.fct_reconciliation_daily set outside_row_count = null"
    text = summary(read_facts(warehouse(uncounted)), NEXT, in_colour=False)
    assert "·  The ledger and the stored rows agree; nobody counted outside" in text


def test_unexplained_rows_are_told_with_the_next_command(warehouse: Change) -> None:
    lost = "update marts.fct_reconciliation_daily set unexplained_count = 7 where table_name = 'logs'"
    text = summary(read_facts(warehouse(lost)), NEXT, in_colour=False)
    assert "✗  Of 1,800 rows sent, 7 cannot be accounted for: run otelmart ledger --verify." in text


def test_the_command_prints_no_colour_into_a_pipe(warehouse: Change) -> None:
    result = run("summary", "--warehouse", warehouse())
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert "Its version 1.1 answered 60.0 % of all requests with 5xx" in result.stdout


def test_json_holds_every_answer(warehouse: Change) -> None:
    result = run("summary", "--warehouse", warehouse(), "--json")
    document = json.loads(result.stdout)
    assert document["unexplained_count"] == 0
    assert document["scope"]["environment"] == "production"
    assert document["answers"]["revenue"][0]["revenue"] == "120.750000000"
    assert set(document["answers"]) >= {"latency", "funnel", "paths", "sessions", "revenue", "ledger", "dead_letters"}


def test_the_report_command_writes_the_page_and_says_where(warehouse: Change, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "report.html"
    result = run("report", "--warehouse", warehouse(), "--to", target, "--json")
    said = json.loads(result.stdout)
    assert said["path"] == str(target)
    assert said["page_bytes"] == target.stat().st_size
    assert (said["environment"], said["period"]) == ("production", "16 – 17 Nov 2026")
    assert [entry.name for entry in target.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize("verb", ["summary", "report"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--warehouse", "none.duckdb"], "no warehouse at none.duckdb: run otelmart build"),
        (["--environment", "prod"], "no environment 'prod' in the marts: choose one of production, staging"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(warehouse: Change, verb: str, arguments: list[str], said: str) -> None:
    given = arguments if "--warehouse" in arguments else ["--warehouse", str(warehouse()), *arguments]
    result = run(verb, *given)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_page_that_cannot_be_written_is_one_line_and_exit_code_1(warehouse: Change, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run("report", "--warehouse", warehouse(), "--to", tmp_path / "file" / "report.html")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "file" in result.stderr
