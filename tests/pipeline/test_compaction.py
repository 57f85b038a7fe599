"""Many small parts put together: the same rows and the same ledger, whatever is killed, read or loaded meanwhile."""

import fcntl
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines import compaction
from tests.pipeline import small_units
from tests.pipeline.runs import Runs, killable
from tests.pipeline.telemetry import logs, points, rows, spans, write

KEY = {"OTELMART_PRIVACY_KEY": "a key for tests", "PATH": "/usr/bin:/bin"}
FILES = 8
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs with units of 1 kB, which are one or two files, and four parts being many."""
    with killable(tmp_path_factory.mktemp("cwd")) as runs:
        yield runs


@pytest.fixture(scope="module")
def loaded(run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `in` and `lake`: two dates with many parts of spans, one with some of records and points."""
    place = tmp_path_factory.mktemp("compaction")
    more_files(place, 0)
    write(place / "in" / "logs.bin", logs(1, 7))
    write(place / "in" / "points.bin", points(1, 5))
    assert run(ingest(place)) == 0
    return place


@pytest.fixture
def place(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(loaded, tmp_path / "compaction")


@pytest.fixture
def command(place: Path) -> Callable[..., Done]:
    """otelmart with small units, in the folder, as a process of its own."""
    script = [sys.executable, str(Path(small_units.__file__))]
    environment = KEY | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return lambda *args: subprocess.run([*script, *args], cwd=place, env=environment, capture_output=True, text=True)


def more_files(place: Path, since: int) -> None:
    for number in range(since, since + FILES):
        bad = (3,) if number == since else ()
        data = spans(1 + 100 * number, 20, f"2026-11-{15 + number % 2}", bad_ordinals=bad)
        write(place / "in" / f"{number:03}.bin", data)


def ingest(place: Path) -> list[str]:
    return ["ingest", "--from", f"files:{place / 'in'}", "--to", f"lake:{place / 'lake'}", "--runner", "plain"]


def compact(place: Path) -> list[str]:
    return ["compact", "--lake", str(place / "lake")]


def parts(place: Path, table: str = "traces") -> list[Path]:
    return sorted((place / "lake" / table).glob("event_date=*/*.parquet"))


def contents(place: Path, table: str = "traces") -> list[tuple[object, ...]]:
    """All values of all rows."""
    return sorted(rows(place / "lake", f"select {table}::varchar from {table}"))


def ledger(command: Callable[..., Done]) -> tuple[int, object]:
    done = command("ledger", "--lake", "lake", "--json")
    return done.returncode, json.loads(done.stdout)


def test_every_value_and_the_ledger_are_as_before_in_one_part_a_date(command: Callable[..., Done], place: Path) -> None:
    before = contents(place), contents(place, "logs"), ledger(command)
    bytes_before = sum(part.stat().st_size for part in parts(place))
    assert len(parts(place)) == FILES
    done = command("compact", "--lake", "lake")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("8 parts into 2, 0.")
    assert [line.partition(": 4 parts into 1, ")[0] for line in done.stderr.splitlines()] == [
        "traces/event_date=2026-11-15",
        "traces/event_date=2026-11-16",
    ]
    assert (contents(place), contents(place, "logs"), ledger(command)) == before
    assert before[2][0] == 0
    assert sum(part.stat().st_size for part in parts(place)) < bytes_before / 2
    assert [len(parts(place, table)) for table in ("traces", "logs", "metrics")] == [2, 1, 1]
    assert command("compact", "--lake", "lake").stdout.startswith("nothing to compact")


def test_the_parts_of_some_units_are_taken_out_again_and_no_others(command: Callable[..., Done], place: Path) -> None:
    before = {part.name: pq.read_table(part, partitioning=None) for part in parts(place)}
    assert command("compact", "--lake", "lake").returncode == 0
    wanted = sorted(before)[1::3]

    with compaction.as_units(place / "lake", {Path(name).stem for name in wanted}) as folder:
        found = {part.name: pq.read_table(part, partitioning=None) for part in folder.glob("traces/*/*.parquet")}
        assert sorted(found) == wanted
        assert all(found[name].equals(before[name]) for name in wanted)
        assert not list(folder.glob("logs/*/*"))
        assert (folder / "ingest_ledger").resolve() == (place / "lake" / "ingest_ledger").resolve()
    assert not folder.exists()


def test_compacted_parts_are_compacted_with_what_comes_later(
    command: Callable[..., Done], run: Runs, place: Path
) -> None:
    assert command("compact", "--lake", "lake").returncode == 0
    more_files(place, FILES)
    assert run(ingest(place)) == 0
    before = contents(place), ledger(command)
    assert command("compact", "--lake", "lake").returncode == 0

    assert len(parts(place)) == 2
    assert (contents(place), ledger(command)) == before
    parts(place)[0].unlink()
    code, found = ledger(command)
    assert code == 1
    assert found["unexplained"] == FILES * 20 - 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("kill", "left"),
    [
        (("write rows", "*", "after", 1), FILES),
        (("rename", "*/compacted*", "before", 1), FILES),
        (("rename", "*/compacted*", "after", 1), FILES + 1),
        (("remove", "*/traces/*", "after", 1), FILES),
        (("remove", "*/traces/*", "after", 4), FILES - 3),
    ],
    ids=["half written", "without its name", "nothing removed", "one removed", "all of a date removed"],
)
def test_what_is_killed_is_neither_lost_nor_there_twice(
    command: Callable[..., Done], run: Runs, place: Path, kill: tuple[str, str, str, int], left: int
) -> None:
    before = contents(place), ledger(command)
    assert run(compact(place), kill) == signal.SIGKILL
    assert len(parts(place)) == left
    killed = shutil.copytree(place, place / "killed")

    assert ledger(command) == before[1]  # which tidies up first, as a build does
    assert contents(place) == before[0]
    assert not list((place / "lake").rglob(".*.tmp"))
    assert run(compact(killed)) == 0
    assert run(compact(killed)) == 0
    assert contents(killed) == before[0]
    assert len(parts(killed)) == 2


def test_a_kill_at_any_moment_loses_and_doubles_nothing(run: Runs, place: Path) -> None:
    before, chance = contents(place), random.Random(7)
    part_counts = set()
    for number in range(20):
        killed = shutil.copytree(place, place.parent / f"killed-{number}")
        run(compact(killed), chance.uniform(0.01, 0.25))
        part_counts.add(len(parts(killed)))
        compaction.finish(killed / "lake")
        assert contents(killed) == before
    assert len(part_counts) > 1  # some came before the end


def test_parts_that_the_ledger_does_not_know_are_left_alone(command: Callable[..., Done], place: Path) -> None:
    (place / "lake" / "ingest_ledger" / parts(place)[0].name).unlink()
    before = contents(place), ledger(command)
    command("compact", "--lake", "lake")

    assert len(parts(place)) == 5  # three of the first date are not many
    assert (contents(place), ledger(command)) == before
    assert before[1][0] == 1


def test_parts_of_older_releases_are_compacted_among_themselves(command: Callable[..., Done], place: Path) -> None:
    for part in parts(place)[:2]:
        pq.write_table(pq.read_table(part, partitioning=None).drop_columns(["links"]), part)
    names = "select span_id, name, row_ordinal, payload_id from traces order by all"
    before = rows(place / "lake", names), ledger(command)
    assert command("compact", "--lake", "lake").returncode == 0

    assert len(parts(place)) == 3
    assert (rows(place / "lake", names), ledger(command)) == before


@pytest.mark.parametrize("times", [1, 2])
def test_a_unit_that_was_taken_out_and_loaded_again_is_there_once(
    command: Callable[..., Done], run: Runs, place: Path, times: int
) -> None:
    """Whatever it was compacted into, and that part into."""
    unit = parts(place)[0].name
    for number in range(1, times + 1):
        assert command("compact", "--lake", "lake").returncode == 0
        if number < times:
            more_files(place, FILES * number)
            assert run(ingest(place)) == 0
    before = ledger(command)
    (place / "lake" / "ingest_ledger" / unit).unlink()
    assert run(ingest(place)) == 0
    assert ledger(command) == before
    assert before[0] == 0
    more_files(place, FILES * times)
    assert run(ingest(place)) == 0
    assert command("compact", "--lake", "lake").returncode == 0

    wanted = (times + 1) * (FILES * 20 - 1)
    assert rows(place / "lake", "select count(*), count(distinct span_id) from traces") == [(wanted, wanted)]


def test_nothing_is_compacted_while_the_lake_is_read(command: Callable[..., Done], place: Path) -> None:
    (place / "lake" / "_plans" / "readers").touch()
    with (place / "lake" / "_plans" / "readers").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        done = command("compact", "--lake", "lake")
    assert done.returncode == 1
    assert done.stderr == "otelmart: lake is being read: run the same command again afterwards\n"
    assert len(parts(place)) == FILES
    assert command("compact", "--lake", "lake").returncode == 0


def test_a_reader_waits_for_a_compaction_to_end(otelmart: str, place: Path) -> None:
    with (place / "lake" / "_plans" / "readers").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reader = subprocess.Popen(
            [otelmart, "ledger", "--lake", "lake"], cwd=place, env=KEY, stdout=subprocess.PIPE, text=True
        )
        time.sleep(3)
        assert reader.poll() is None
    said, _ = reader.communicate(timeout=60)
    assert "2026-11-15" in said


@pytest.mark.parametrize(
    ("lake", "code", "text"),
    [
        ("gs://bucket/lake", 2, "gs://bucket/lake is in a bucket, where parts are not compacted: give --lake DIR"),
        ("nowhere", 2, "there is no lake in nowhere: run otelmart ingest"),
    ],
)
def test_what_cannot_be_compacted_is_one_line(command: Callable[..., Done], lake: str, code: int, text: str) -> None:
    done = command("compact", "--lake", lake)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
