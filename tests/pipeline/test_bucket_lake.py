"""lake:gs://: the rows of a local lake, each once, whoever writes, and whatever was killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import cloud_storage
from pipelines.cloud_storage import Objects
from pipelines.decode.rules import Rules
from pipelines.payloads import Payload
from pipelines.sinks import bucket
from pipelines.sinks.bucket import BucketLake
from pipelines.worker import batch
from tests.pipeline.runs import Runs, killable
from tests.pipeline.storage import Storage, emulator
from tests.pipeline.telemetry import RECEIVED_NS, rows, spans, write

ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[2])}
SMALL_UNITS = Path(__file__).parent / "small_units.py"
SPANS = "select payload_id, row_ordinal, span_id from traces order by all"
LETTERS = "select dead_letter_id, chunk_ordinal from dead_letters order by all"
DISTINCT_SPANS = SPANS.replace("select", "select distinct")  # a redelivery has both copies in a lake on this machine
POINTS = {
    "no part is there": ("upload", "*/traces/*", "before", 1),
    "a part is there": ("upload", "*/traces/*", "after", 1),
    "a dead letter is there": ("upload", "*/dead_letters/*", "after", 1),
    "all parts are there, not the ledger entries": ("upload", "*/ingest_ledger/*", "before", 1),
    "a unit is committed": ("upload", "*/ingest_ledger/*", "after", 1),
    "a unit is committed, the next has its parts": ("upload", "*/ingest_ledger/*", "before", 2),
}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with emulator() as running:
        yield running


@pytest.fixture
def lake(storage: Storage, tmp_path: Path) -> Objects:
    """A place for a lake in a bucket of its own."""
    cloud_storage.client.cache_clear()
    name = f"lake-{abs(hash(tmp_path))}"
    storage.client.create_bucket(name)
    return Objects(name, "some/prefix/")


@pytest.fixture(scope="module")
def runs(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    own = {"STORAGE_EMULATOR_HOST": storage.host, "GOOGLE_CLOUD_PROJECT": "otelmart"}
    with killable(tmp_path_factory.mktemp("cwd"), **own) as runs:
        yield runs


@pytest.fixture
def run(storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs otelmart with small units in a second process, for what it says."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "otelmart")

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(SMALL_UNITS), *map(str, arguments)]
        return subprocess.run(command, env=ENVIRONMENT | os.environ, cwd=tmp_path, capture_output=True, text=True)

    return run


def ingest(source: Path, lake: object) -> list[str]:
    return ["ingest", "--from", f"files:{source}", "--to", f"lake:{lake}", "--runner", "plain", "--json"]


def names(lake: Objects) -> list[str]:
    return [each.name for each in lake.listed("")]


def copied(lake: Objects, folder: Path) -> Path:
    """The lake as its readers see it."""
    bucket.copy(lake, folder, lambda _: True)
    return folder


@pytest.fixture(scope="module")
def local(runs: Runs, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the corpus gives in a lake on this machine."""
    lake = tmp_path_factory.mktemp("local") / "lake"
    assert runs(ingest(corpus, lake)) == 0
    return lake


def test_a_lake_in_a_bucket_has_the_rows_of_one_on_this_machine_and_the_same_command_adds_nothing(
    run: Run, lake: Objects, corpus: Path, local: Path, tmp_path: Path
) -> None:
    done = run(*ingest(corpus, lake))
    assert done.returncode == 0, done.stderr
    there = names(lake)
    again = run(*ingest(corpus, lake))
    assert again.returncode == 0, again.stderr

    assert names(lake) == there
    assert json.loads(again.stdout)["units"] == 0
    copy = copied(lake, tmp_path / "copy")
    assert rows(copy, SPANS) == rows(local, DISTINCT_SPANS)
    assert rows(copy, LETTERS) == rows(local, LETTERS)
    said = json.loads(done.stdout)
    assert said["rows"]["logs"] == rows(copy, "select count(*) from logs")[0][0]
    assert sum(said["dead_letters"].values()) == len(rows(copy, "select distinct dead_letter_id from dead_letters"))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_finished_by_the_same_command(
    point: str, runs: Runs, lake: Objects, corpus: Path, local: Path, tmp_path: Path
) -> None:
    assert runs(ingest(corpus, lake), POINTS[point]) == signal.SIGKILL
    assert runs(ingest(corpus, lake)) == 0

    copy = copied(lake, tmp_path / "copy")
    assert rows(copy, SPANS) == rows(local, DISTINCT_SPANS)
    assert rows(copy, LETTERS) == rows(local, LETTERS)
    assert runs(["ledger", "--lake", str(lake)]) == 0


def test_what_a_killed_run_left_is_removed_when_it_is_old(
    runs: Runs, lake: Objects, corpus: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs(ingest(corpus, lake), ("upload", "*/ingest_ledger/*", "before", 2)) == signal.SIGKILL
    assert runs(ingest(corpus, lake)) == 0
    (tmp_path / "archived").write_bytes(b"of the collector")
    lake.create("traces/date=2026-11-18/hour=10/archived.binpb.gz", tmp_path / "archived", "")
    before = names(lake)
    BucketLake(lake).recover()
    assert names(lake) == before

    monkeypatch.setattr(bucket, "ABANDONED", timedelta(0))
    BucketLake(lake).recover()
    assert 0 < len(before) - len(names(lake)) < len(before) / 2
    assert any(name.endswith("archived.binpb.gz") for name in names(lake))
    assert rows(copied(lake, tmp_path / "copy"), SPANS) == rows(local, DISTINCT_SPANS)


def payload(first: int) -> Payload:
    data = spans(first)
    identity = f"{first:032x}"
    return Payload("traces", data, "protobuf", identity, RECEIVED_NS // 1000, "a test", {}, 0, 0)


def test_of_two_writers_of_one_unit_one_wins(lake: Objects, tmp_path: Path) -> None:
    rules = Rules.load(b"a key for tests")

    class Overtaken(BucketLake):
        """Another writer commits the unit between this one's parts and its ledger entries."""

        def commit(self, unit_id: str, entries: pa.Table) -> None:
            with closing(BucketLake(lake)) as other:
                batch.commit(unit_id, [payload(1)], other, rules, batch.Known())
            super().commit(unit_id, entries)

    with closing(Overtaken(lake)) as overtaken:
        batch.commit("0123456789", [payload(1)], overtaken, rules, batch.Known())

    assert len(names(lake)) == 2  # one part, one ledger object: the other's part was removed again
    assert rows(copied(lake, tmp_path / "copy"), "select span_id from traces order by 1") == [
        (f"{1:016x}",),
        (f"{2:016x}",),
    ]
    assert list(BucketLake(lake).known_payload_ids(date(2026, 11, 1))) == [f"{1:032x}"]
    assert list(BucketLake(lake).known_payload_ids(datetime.now(UTC).date() + timedelta(days=1))) == []


def test_two_processes_at_once_write_each_row_once(
    run: Run, lake: Objects, corpus: Path, local: Path, tmp_path: Path
) -> None:
    command = [sys.executable, str(SMALL_UNITS), *ingest(corpus, lake)]
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
    environment = ENVIRONMENT | os.environ
    at_once = [subprocess.Popen(command, env=environment, cwd=place, stdout=subprocess.DEVNULL) for place in places]
    assert [process.wait() for process in at_once] == [0, 0]

    copy = copied(lake, tmp_path / "copy")
    assert rows(copy, DISTINCT_SPANS) == rows(local, DISTINCT_SPANS)
    assert (
        rows(
            copy,
            "select unit_id, payload_id, table_name, event_date from ingest_ledger group by all having count(*) > 1",
        )
        == []
    )


def test_a_copy_follows_the_bucket(lake: Objects, tmp_path: Path) -> None:
    rules = Rules.load(b"a key for tests")
    with closing(BucketLake(lake)) as sink:
        for i, unit_id in enumerate(("aaaa", "bbbb")):
            batch.commit(unit_id, [payload(1 + 10 * i)], sink, rules, batch.Known())
    copy = copied(lake, tmp_path / "copy")
    kept = {path: path.stat().st_ino for path in copy.rglob("*.parquet")}
    assert len(kept) == 4

    lake.remove([name for name in names(lake) if "/aaaa" in name])
    copied(lake, copy)
    there = {path: path.stat().st_ino for path in copy.rglob("*.parquet")}
    assert len(there) == 2
    assert there.items() <= kept.items()  # nothing was fetched again


def test_a_replay_puts_letters_back_once(runs: Runs, run: Run, lake: Objects, tmp_path: Path) -> None:
    write(tmp_path / "in" / "old.bin", spans(1, day="2019-02-28") + spans(10, day="2019-03-01"))
    assert runs(ingest(tmp_path / "in", lake)) == 0
    replay = ["replay", "--from", f"lake:{lake}", "--max-past-days", "3000", "--json"]
    assert runs(replay, ("upload", "*/ingest_ledger/*", "before", 2)) == signal.SIGKILL

    assert [json.loads(run(*replay).stdout)["rows"] for _ in range(2)] == [3, 0]
    assert rows(copied(lake, tmp_path / "copy"), "select count(*), count(distinct span_id) from traces") == [(4, 4)]
    assert runs(["ledger", "--lake", str(lake)]) == 0


def test_outside_counts_are_taken_over(runs: Runs, run: Run, lake: Objects, tmp_path: Path) -> None:
    write(tmp_path / "in" / "1.bin", spans(1))
    count = {"counted_by": "a test", "table_name": "traces", "event_date": "2026-11-16", "row_count": 3}
    write(tmp_path / "in" / "outside_counts.json", json.dumps([count]).encode())
    assert runs(ingest(tmp_path / "in", lake)) == 0

    found = run("ledger", "--lake", lake, "--json")
    assert found.returncode == 1
    (line,) = json.loads(found.stdout)["lines"]
    assert (line["outside"], line["accounted"], line["unexplained"]) == (3, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["doctor", "--to", "lake:gs://there/x"], 0, ""),
        (["doctor", "--to", "lake:gs://not-there/x"], 1, "2 of 2 checks failed"),
        (["ingest", "--from", "files:in", "--to", "lake:gs://not-there/x"], 1, "gs://not-there/x: NotFound"),
        (["ingest", "--from", "files:in", "--to", "lake:gs:/x"], 2, "gs:/x is no place for a lake: write gs://BUCKET/"),
        (["ingest", "--from", "files:in", "--to", "lake:gs://a*"], 2, "gs://a* is no place for a lake"),
        (["ledger", "--lake", "gs://there/nothing"], 2, "there is no lake in gs://there/nothing: run otelmart ingest"),
        (["build", "--lake", "gs://there/nothing"], 2, "there is no lake in gs://there/nothing: run otelmart ingest"),
        (["replay", "--from", "lake:gs://not-there/x"], 1, "gs://not-there/x: NotFound"),
    ],
)
def test_a_mistake_is_one_line(
    run: Run, storage: Storage, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    if not storage.client.lookup_bucket("there"):
        storage.client.create_bucket("there")
    write(tmp_path / "in" / "1.bin", spans(1))
    done = run(*arguments)

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 1
