"""kill -9 anywhere, then the same command again: the lake is what a run without a kill leaves, byte for byte."""

import json
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest

from tests.pipeline.runs import Runs, killable
from tests.pipeline.telemetry import rows, spans, tree, write

POINTS = {
    "the lake has a folder and nothing else": ("open", "*/_plans/lock", "before", 1),
    "the outside counts are half written": ("close part", "*/outside_counts/*", "before", 1),
    "the outside counts wait for their name": ("rename", "*/outside_counts/*", "before", 1),
    "the outside counts are there, nothing is planned": ("rename", "*/outside_counts/*", "after", 1),
    "the plan is about to be written": ("write", "*/_plans/*", "before", 1),
    "the plan is written and not on disk": ("sync", "*/_plans/.000000.json.*", "before", 1),
    "the plan waits for its name": ("rename", "*/_plans/000000.json", "before", 1),
    "the plan has its name, the folder is not on disk": ("rename", "*/_plans/000000.json", "after", 1),
    "no row is written": ("write rows", "*/event_date=*", "before", 1),
    "rows of a part are written, its end is not": ("write rows", "*/traces/event_date=*", "after", 1),
    "a part is whole and not on disk": ("sync", "*/event_date=*/.*.tmp", "before", 1),
    "the first part waits for its name": ("rename", "*/event_date=*", "before", 1),
    "one of a unit's parts has its name": ("rename", "*/event_date=*", "after", 1),
    "a dead letter is written, its part has no name": ("rename", "*/dead_letters/*", "before", 1),
    "the parts have names, their folders are not on disk": ("sync", "*/event_date=2026-11-16", "before", 1),
    "all parts are there, the ledger file is not begun": ("write rows", "*/ingest_ledger/*", "before", 1),
    "the ledger file is half written": ("close part", "*/ingest_ledger/*", "before", 1),
    "the ledger file is whole and not on disk": ("sync", "*/ingest_ledger/.*.tmp", "before", 1),
    "the ledger file waits for its name": ("rename", "*/ingest_ledger/*", "before", 1),
    "a unit is committed, the folder is not on disk": ("rename", "*/ingest_ledger/*", "after", 1),
    "between two units": ("sync", "*/ingest_ledger", "after", 1),
    "in the middle of the second unit": ("rename", "*/ingest_ledger/*", "before", 2),
    "the last unit but one is committed": ("rename", "*/ingest_ledger/*", "after", 3),
}


@pytest.fixture(scope="module")
def source(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus with outside counts beside it."""
    source = shutil.copytree(corpus, tmp_path_factory.mktemp("kills") / "in")
    count = {"counted_by": "a test", "table_name": "traces", "event_date": "2026-11-16", "row_count": 20}
    write(source / "outside_counts.json", json.dumps([count]).encode())
    return source


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with killable(tmp_path_factory.mktemp("cwd")) as runs:
        yield runs


def ingest(source: Path, lake: Path) -> list[str]:
    return ["ingest", "--from", f"files:{source}", "--to", f"lake:{lake}", "--runner", "plain"]


@pytest.fixture(scope="module")
def clean(source: Path, run: Runs, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """The lake of a run without a kill, and how many seconds it took."""
    lake, started = tmp_path_factory.mktemp("clean") / "lake", perf_counter()
    assert run(ingest(source, lake), None) == 0
    return tree(lake), perf_counter() - started


def test_the_corpus_is_several_units(clean: tuple[dict[str, str], float]) -> None:
    assert len([name for name in clean[0] if name.startswith("ingest_ledger/")]) == 4


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_finished_by_the_same_command(
    point: str, source: Path, run: Runs, clean: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    assert run(ingest(source, tmp_path / "lake"), POINTS[point]) == signal.SIGKILL
    assert tree(tmp_path / "lake") != clean[0]
    assert run(ingest(source, tmp_path / "lake"), None) == 0

    assert tree(tmp_path / "lake") == clean[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_run_killed_at_any_time_is_finished_by_the_same_command(
    seed: int, source: Path, run: Runs, clean: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    after_seconds = random.Random(seed).uniform(0.1, 0.9) * clean[1]
    run(ingest(source, tmp_path / "lake"), after_seconds)
    assert run(ingest(source, tmp_path / "lake"), None) == 0

    assert tree(tmp_path / "lake") == clean[0]


def test_the_run_after_a_kill_may_be_killed_too(
    source: Path, run: Runs, clean: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    for kill in (
        ("rename", "*/event_date=*", "before", 1),
        ("remove", "*.tmp", "before", 1),
        ("remove", "*.tmp", "after", 1),
        ("rename", "*/ingest_ledger/*", "before", 1),
    ):
        assert run(ingest(source, tmp_path / "lake"), kill) == signal.SIGKILL
    assert run(ingest(source, tmp_path / "lake"), None) == 0

    assert tree(tmp_path / "lake") == clean[0]


@pytest.mark.parametrize(
    "kill",
    [None, ("remove", "*/event_date=*", "before", 1), ("rename", "*/_plans/000000.json", "before", 1)],
    ids=["once", "while parts are removed", "while the plan is rewritten"],
)
def test_a_file_that_changed_after_a_kill_is_read_as_it_is_now(
    source: Path, run: Runs, tmp_path: Path, kill: tuple[str, str, str, int] | None
) -> None:
    changing = shutil.copytree(source, tmp_path / "in")
    assert run(ingest(changing, tmp_path / "lake"), ("rename", "*/ingest_ledger/*", "before", 1)) == signal.SIGKILL
    write(changing / "a" / "plain.bin", spans(900))
    if kill:
        assert run(ingest(changing, tmp_path / "lake"), kill) == signal.SIGKILL
    assert run(ingest(changing, tmp_path / "lake"), None) == 0

    # again.bin still has spans 100 and 101, plain.bin has 900 and 901 now
    query = "select span_id, count(*) from traces where span_id in ('{:016x}', '{:016x}') group by 1 order by 1"
    assert rows(tmp_path / "lake", query.format(100, 900)) == [(f"{100:016x}", 1), (f"{900:016x}", 1)]


def test_files_that_come_after_a_kill_do_not_move_what_was_planned(
    source: Path, run: Runs, clean: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    growing = shutil.copytree(source, tmp_path / "in")
    assert run(ingest(growing, tmp_path / "lake"), ("rename", "*/ingest_ledger/*", "before", 2)) == signal.SIGKILL
    write(growing / "a" / "first-by-name.bin", spans(900))
    assert run(ingest(growing, tmp_path / "lake"), None) == 0

    assert clean[0].items() <= tree(tmp_path / "lake").items()
    assert rows(tmp_path / "lake", "select count(*) from traces where span_id = '0000000000000384'") == [(1,)]


def test_a_killed_beam_run_is_finished_by_the_same_command(
    source: Path, run: Runs, clean: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    beam = ingest(source, tmp_path / "lake")[:-2]
    assert run(beam, ("rename", "*/ingest_ledger/*", "before", 2)) == signal.SIGKILL
    assert run(beam, None) == 0

    assert tree(tmp_path / "lake") == clean[0]


@pytest.mark.parametrize(
    "kill",
    [
        ("rename", "*/_plans/000001.json", "before", 1),
        ("rename", "*/_plans/000001.json", "after", 1),
        ("rename", "*/event_date=*", "after", 1),
        ("rename", "*/ingest_ledger/*", "before", 1),
        ("rename", "*/ingest_ledger/*", "after", 1),
    ],
    ids=["not planned", "planned", "one part named", "not committed", "committed"],
)
def test_a_killed_replay_is_finished_by_the_same_command(
    run: Runs, tmp_path: Path, kill: tuple[str, str, str, int]
) -> None:
    write(tmp_path / "in" / "old.bin", spans(1, day="2019-02-28") + spans(10, day="2019-03-01"))
    lakes = [tmp_path / "clean", tmp_path / "killed"]
    replay = [["replay", "--lake", str(lake), "--max-past-days", "3000"] for lake in lakes]
    for lake in lakes:
        assert run(ingest(tmp_path / "in", lake), None) == 0
    assert run(replay[0], None) == 0
    assert run(replay[1], kill) == signal.SIGKILL
    assert run(replay[1], None) == 0

    assert tree(lakes[1]) == tree(lakes[0])
    assert rows(lakes[1], "select count(*) from traces") == [(4,)]
