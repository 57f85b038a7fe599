"""`otelmart errors`, `slo`, `trace` and `journey` as they are typed at three in the morning, held to truth and lake."""

import json
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.decode.privacy import pseudonymise
from tests.demo.conftest import Built

KEY = "a key for tests only"


@pytest.fixture
def verb(otelmart: str, built: Built, tmp_path: Path) -> Any:
    return partial(asked, otelmart, built.warehouse, tmp_path)


def asked(otelmart: str, warehouse: Path, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "OTELMART_WAREHOUSE": str(warehouse), "OTELMART_PRIVACY_KEY": KEY}
    return subprocess.run([otelmart, *arguments], cwd=place, env=env, capture_output=True, text=True)


def test_errors_are_those_of_the_truth(verb: Any, built: Built) -> None:
    found = json.loads(verb("errors", "--days", "3660", "--json").stdout)
    counts = Counter[tuple[str, str, str]]()
    for row in found:
        counts[row["environment"], row["service"], row["type"]] += row["errors"]
    truth = {
        (e["environment"], e["service_name"], e["exception_type"]): e["exception_count"] for e in built.truth["errors"]
    }
    assert counts == truth

    for environment, service in {one[:2] for one in [*truth][:1]}:  # a small day may have none
        narrow = "--environment", environment, "--service", service
        chosen = json.loads(verb("errors", *narrow, "--days", "3660", "--json").stdout)
        assert {(row["environment"], row["service"]) for row in chosen} == {(environment, service)}
        assert len(verb("errors", "--limit", "1").stdout.splitlines()) == 2
    services = [name for (name,) in built.rows("select distinct service_name from marts.dim_services order by all")]
    for silent in [name for name in services if name not in {one[1] for one in truth}][:1]:
        assert verb("errors", "--service", silent).stderr == "no errors there\n"
    unknown = verb("errors", "--service", "nowhere")
    said = f"otelmart: no service 'nowhere' in the marts: choose one of {', '.join(services)}\n"
    assert (unknown.returncode, unknown.stdout, unknown.stderr) == (2, "", said)


def test_objectives_are_the_last_of_each_series_and_check_ends_with_1(verb: Any, built: Built) -> None:
    done = verb("slo", "--check", "--json")
    found = json.loads(done.stdout)
    last: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    keys = "slo_id, deployment_environment, service_namespace, service_name"
    for row in built.rows(
        f"select {keys}, event_date::text, bad_count, state from marts.fct_slo_budget_daily order by event_date"
    ):
        last[row[:4]] = row[4:]
    assert {
        (row["slo"], row["environment"], row["namespace"], row["service"]): (row["as_of"], row["bad"], row["state"])
        for row in found
    } == last
    assert done.returncode == int(
        any(state == "exhausted" for *_, state in last.values()) or any(row["alerts"] for row in found)
    )
    left = [row["budget_left_%"] for row in found if row["budget_left_%"] is not None]
    assert left == sorted(left)
    nowhere = verb("slo", "--environment", "nowhere", "--check")
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert nowhere.stderr.startswith("otelmart: no environment 'nowhere' in the marts: choose one of ")


def test_the_largest_trace_is_shown_whole(verb: Any, built: Built) -> None:
    sql = "select trace_id from t group by trace_id order by count(distinct span_id) desc, trace_id limit 1"
    [(trace_id,)] = built.lake_rows("traces", sql)
    spans = built.lake_rows("traces", f"select distinct span_id, name from t where trace_id = '{trace_id}'")
    sql = f"select count(distinct (payload_id, row_ordinal)) from t where trace_id = '{trace_id}'"
    [(log_count,)] = built.lake_rows("logs", sql)
    found = json.loads(verb("trace", trace_id, "--json").stdout)
    assert sorted((span["span_id"], span["name"]) for span in found["spans"]) == sorted(spans)
    assert len(found["logs"]) == log_count

    lines = verb("trace", trace_id.upper()).stdout.splitlines()
    assert f"  {len(spans)} spans  " in lines[0]
    assert len(lines) == 1 + len(spans) + log_count
    titles = Counter(
        line.split("|")[0].strip().removeprefix("? ").partition(": ")[2] for line in lines[1 : len(spans) + 1]
    )
    assert titles == Counter(name for _, name in spans)


def test_a_user_is_found_by_the_id_the_app_sends_by_the_pseudonym_and_by_the_session(verb: Any, built: Built) -> None:
    sent = {
        pseudonymise(f"{letter}-{n:05d}", KEY.encode()): f"{letter}-{n:05d}" for letter in "ut" for n in range(2000)
    }
    there = built.rows(
        "select user_id from marts.fct_journey_steps where session_id is not null group by 1 order by count(*) desc, 1"
    )
    pseudonym = next(user for (user,) in there if user in sent)
    user = sent[pseudonym]
    by_id, by_pseudonym = (json.loads(verb("journey", who, "--json").stdout) for who in (user, pseudonym))
    assert by_id == by_pseudonym != []
    session = next(step["session"] for step in by_id if step["session"])
    of_session = json.loads(verb("journey", session, "--json").stdout)
    assert [step for step in by_id if step["session"] == session] == [step for step in of_session if step in by_id]
    numbers = [step["step"] for step in of_session]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["trace", "xyz"], 2, "'xyz' is no trace id: give its 32 hex digits"),
        (["trace", "0" * 31 + "1"], 1, "no span or log of trace "),
        (["journey", "nobody"], 1, "no session of 'nobody' in "),
        (["errors", "--days", "0"], 2, "see otelmart errors --help"),
    ],
)
def test_what_is_not_there_is_one_line(verb: Any, arguments: list[str], code: int, text: str) -> None:
    done = verb(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert text in done.stderr
