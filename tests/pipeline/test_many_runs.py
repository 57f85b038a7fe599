"""A lake that is loaded all day, as a listener does: finished plans are packed, and nothing is there twice."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipeline.runs import Runs, killable
from tests.pipeline.telemetry import rows, spans, write

KEY = {"OTELMART_PRIVACY_KEY": "a key for tests"}
RUNS = 64  # what a lake keeps of plans before it packs them


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with killable(tmp_path_factory.mktemp("cwd")) as runs:
        yield runs


@pytest.fixture(scope="module")
def loaded(run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `in`, of one old file that was replayed and a file for each further run, and `lake`."""
    place = tmp_path_factory.mktemp("many")
    write(place / "in" / "old.bin", spans(900, day="2019-02-28"))
    assert run(ingest(place)) == 0
    assert run(replay(place)) == 0
    for number in range(RUNS - 2):
        write(place / "in" / f"{number:03}.bin", spans(1 + number * 2))
        assert run(ingest(place)) == 0
    assert len(plans(place)) == RUNS
    return place


@pytest.fixture
def place(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(loaded, tmp_path / "many")


def ingest(place: Path) -> list[str]:
    return ["ingest", "--from", f"files:{place / 'in'}", "--to", f"lake:{place / 'lake'}", "--runner", "plain"]


def replay(place: Path) -> list[str]:
    return ["replay", "--lake", str(place / "lake"), "--max-past-days", "3000"]


def plans(place: Path) -> list[Path]:
    return sorted((place / "lake" / "_plans").glob("*.json"))


def counts(place: Path) -> list[tuple[object, ...]]:
    """(rows, distinct spans)."""
    return rows(place / "lake", "select count(*), count(distinct span_id) from traces")


def test_files_and_letters_of_packed_plans_are_known(run: Runs, place: Path) -> None:
    before = counts(place)
    write(place / "in" / "new.bin", spans(700))
    for _ in range(2):
        assert run(ingest(place)) == 0
        assert run(replay(place)) == 0

    assert [path.name for path in plans(place)] == ["000000.json"]
    assert before == [(RUNS * 2 - 2, RUNS * 2 - 2)]
    assert counts(place) == [(RUNS * 2, RUNS * 2)]


def test_an_unfinished_plan_is_not_packed(run: Runs, place: Path) -> None:
    write(place / "in" / "new.bin", spans(700))
    assert run(ingest(place), ("rename", "*/ingest_ledger/*", "before", 1)) == signal.SIGKILL
    assert [path.name for path in plans(place)] == ["000000.json"]
    for number in range(RUNS):
        write(place / "lake" / "_plans" / f"{number + 1:06}.json", b"[]")
    assert run(ingest(place)) == 0

    assert [path.name for path in plans(place)] == ["000000.json"]
    assert counts(place) == [(RUNS * 2, RUNS * 2)]


@pytest.mark.parametrize(
    "kill",
    [
        ("remove", "*/_plans/*.json", "before", 1),
        ("remove", "*/_plans/*.json", "after", 1),
        ("remove", "*/_plans/*.json", "after", RUNS),
    ],
    ids=["packed, all plans there", "one plan gone", "all plans gone"],
)
def test_a_run_killed_while_it_packs_is_finished_by_the_same_command(
    run: Runs, place: Path, kill: tuple[str, str, str, int]
) -> None:
    write(place / "in" / "new.bin", spans(700))
    assert run(ingest(place), kill) == signal.SIGKILL
    assert run(ingest(place)) == 0
    assert run(replay(place)) == 0

    assert counts(place) == [(RUNS * 2, RUNS * 2)]


@pytest.mark.parametrize(("day", "again"), [("2026-*", ingest), ("2019-*", replay)], ids=["file", "letter"])
def test_what_a_unit_held_is_loaded_again_once_the_unit_is_taken_out_of_the_lake(
    run: Runs, place: Path, day: str, again: Callable[[Path], list[str]]
) -> None:
    assert run(ingest(place)) == 0
    part = next((place / "lake" / "traces").glob(f"event_date={day}/*.parquet"))
    part.unlink()
    (place / "lake" / "ingest_ledger" / part.name).unlink()
    assert counts(place) == [(RUNS * 2 - 4, RUNS * 2 - 4)]
    for _ in range(2):
        assert run(again(place)) == 0

    assert counts(place) == [(RUNS * 2 - 2, RUNS * 2 - 2)]


def test_an_index_that_cannot_be_read_is_named(run: Runs, place: Path, otelmart: str) -> None:
    assert run(ingest(place)) == 0
    write(place / "lake" / "_plans" / "packed.sqlite", b"no index" * 1000)
    done = subprocess.run([otelmart, *ingest(place)], capture_output=True, text=True, env=KEY)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"otelmart: {place}/lake/_plans/packed.sqlite cannot be used: file is not a database: "
        "make room on the disk, or restore it from a copy"
    ]
