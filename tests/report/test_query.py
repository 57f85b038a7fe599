"""`otelmart query`: the command a user types, against a warehouse of literal rows."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.report.warehouse import ask as asked
from tests.beforehand import HEARING_CTRL_C

Ask = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("query") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.fct_orders (day date, paid_at timestamptz, amount decimal(9, 2), who text)"
        )
        connection.execute(
            "insert into marts.fct_orders values"
            " ('2026-11-16', '2026-11-16 09:30:00+02', 12.50, 'é'), ('2026-11-17', null, 1234567.05, e'\\x1b[31mred')"
        )
    return path


@pytest.fixture
def ask(otelmart: str, warehouse: Path) -> Ask:
    def ask(*args: str, stdin: str = "", at: Path = warehouse) -> "subprocess.CompletedProcess[str]":
        command = [otelmart, "query", "--warehouse", str(at), *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done

    return ask


def test_a_table_cuts_nothing_and_lines_numbers_up(ask: Ask) -> None:
    done = ask("select day, amount, who from fct_orders order by day")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "day             amount  who",
        "2026-11-16       12.50  é",
        "2026-11-17  1234567.05  \ufffd[31mred",
    ]


def test_json_keeps_cents_times_and_columns_of_one_name(ask: Ask) -> None:
    done = ask(
        "--json", "select paid_at, amount, 1 as n, 2 as n, 'nan'::double as odd, [day] as days from marts.fct_orders"
    )

    first, second = json.loads(done.stdout)
    assert first == {
        "paid_at": "2026-11-16T07:30:00+00:00",
        "amount": "12.50",
        "n": 1,
        "n_2": 2,
        "odd": None,
        "days": ["2026-11-16"],
    }
    assert second["paid_at"] is None


def test_a_table_shows_what_is_null_what_is_no_number_and_what_is_nested(ask: Ask) -> None:
    done = ask("select 'nan'::double as odd, null as nothing, [1.5, null] as list, true as yes")

    assert [line.split() for line in done.stdout.splitlines()] == [
        ["odd", "nothing", "list", "yes"],
        ["nan", '["1.5",', "null]", "True"],
    ]


def test_a_name_that_a_second_column_would_get_is_not_given_twice(ask: Ask) -> None:
    assert json.loads(ask("--json", "select 1 as a, 2 as a_2, 3 as a").stdout) == [{"a": 1, "a_2": 2, "a_3": 3}]


def test_sql_that_is_no_utf8_and_a_machine_that_cannot_are_one_line_each(
    otelmart: str, ask: Ask, tmp_path: Path
) -> None:
    ask_bytes = [otelmart, "query", "--warehouse", str(ask("select 1").args[3])]
    for args, stdin in (([*ask_bytes, "-"], b"select '\xff'"), ([*ask_bytes, b"select '\xff'"], b"")):
        done = subprocess.run(args, input=stdin, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (2, b"otelmart: the SQL is not UTF-8: save it as UTF-8\n")

    unread = ask(f"select * from read_csv('{tmp_path}/no.csv')")
    assert (unread.returncode, unread.stderr.count("\n")) == (1, 1)
    assert "No files found" in unread.stderr


def test_a_query_that_is_interrupted_stops_with_one_line(otelmart: str, warehouse: Path) -> None:
    endless = "select count(*) from range(100000000000000) as t(n) where hash(n) % 7 = n % 3"
    with subprocess.Popen(
        [*HEARING_CTRL_C, otelmart, "query", "--warehouse", str(warehouse), endless], stderr=subprocess.PIPE, text=True
    ) as running:
        _wait_until_computing(running.pid)
        running.send_signal(signal.SIGINT)
        try:
            _, told = running.communicate(timeout=60)
        finally:
            running.kill()

    assert (running.returncode, told) == (
        1,
        "\notelmart: stopped; run the same command again to finish\n",  # below the ^C that a terminal shows
    )


def _wait_until_computing(pid: int) -> None:
    """Until a process used 3 seconds of processor time: starting takes less than one."""
    ticks = os.sysconf("SC_CLK_TCK")
    while sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) < 3 * ticks:
        time.sleep(0.05)


def test_a_long_answer_says_what_it_left_out_and_json_leaves_nothing_out(ask: Ask) -> None:
    long = ask("--limit", "2", "select * from range(3) as t(n)")
    everything = ask("--json", "--limit", "2", "select * from range(3) as t(n)")

    assert long.stdout.split() == ["n", "0", "1"]
    assert long.stderr == "2 of 3 rows; --limit N shows more, --json all\n"
    assert json.loads(everything.stdout) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_json_keeps_every_character_and_a_table_shows_them(ask: Ask) -> None:
    sql = "-- what a log says\nselect 'a' || chr(10) || chr(9) || chr(155) || 'b' as x, ['c' || chr(10)] as y"
    told = ask("--json", sql)
    assert json.loads(told.stdout) == [{"x": "a\n\t\x9bb", "y": ["c\n"]}]
    assert "\x9b" not in told.stdout
    assert ask(sql).stdout.splitlines()[1] == 'a\\n\\t\ufffdb  ["c\\n"]'


def test_an_option_with_a_space_in_its_value_is_no_sql(otelmart: str, tmp_path: Path) -> None:
    command = [otelmart, "query", f"--warehouse={tmp_path}/no such", "select 1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.startswith(f"otelmart: no warehouse at {tmp_path}/no such: ")) == (2, True)


def test_rows_that_are_not_shown_are_counted_and_not_kept(warehouse: Path) -> None:
    answer = asked(warehouse, "select * from range(30_000)", most_rows=2)
    assert (answer.rows, answer.row_count) == ([(0,), (1,)], 30_000)


def test_a_query_can_come_from_standard_input_and_find_nothing(ask: Ask) -> None:
    assert ask("-", stdin="select who from fct_orders where false").stdout == "who\n"
    assert ask("-", "--json", stdin="select who from fct_orders where false").stdout == "[]\n"


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("select nope from fct_orders", 'Referenced column "nope" not found'),
        ("select * from fct_ordres", "fct_orders"),
        ("selekt 1", "syntax error"),
        ("delete from fct_orders", "read-only"),
        ("drop table fct_orders", "read-only"),
        ("select 1; select 2", "give one statement of SQL, not 2"),
        ("", "give one statement of SQL, not 0"),
    ],
)
def test_a_mistake_is_one_line_with_duckdbs_words_and_changes_nothing(ask: Ask, sql: str, text: str) -> None:
    done = ask(sql)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert text in done.stderr
    assert ask("--json", "select count(*) as n from fct_orders").stdout == '[{"n": 2}]\n'


def test_a_missing_warehouse_says_how_to_make_one(ask: Ask, tmp_path: Path) -> None:
    done = ask("select 1", at=tmp_path / "no.duckdb")

    assert (done.returncode, done.stderr) == (
        2,
        f"otelmart: no warehouse at {tmp_path / 'no.duckdb'}: run otelmart build, or name one with --warehouse\n",
    )


def test_the_command_tells_its_version(otelmart: str, repo: Path) -> None:
    told = subprocess.run([otelmart, "--version"], capture_output=True, text=True, check=True).stdout

    assert f'version = "{told.removeprefix("otelmart ").strip()}"' in (repo / "pyproject.toml").read_text()
