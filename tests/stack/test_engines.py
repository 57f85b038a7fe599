"""The batch graph on other Beam engines: Prism, and Dask with a scheduler and two workers, one of them killed."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from distributed import Client

from pipelines import units
from pipelines.decode.rules import Rules
from pipelines.graph import LoadUnit
from pipelines.load import Job
from pipelines.sources import files
from pipelines.sources.compression import Limits
from tests.pipeline.telemetry import logs, points, receipts, rows, spans, tree, write

pytestmark = pytest.mark.stack
UNITS = 24
SMALL_UNITS = Path(__file__).parents[1] / "pipeline" / "small_units.py"
COUNT_UNITS = Path(__file__).parent / "count_units.py"
SECRET = {"OTELMART_PRIVACY_KEY": "a key for tests", "TZ": "UTC"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A unit a file: spans of three days with bad rows, logs, points and a text that is no OTLP."""
    folder = tmp_path_factory.mktemp("corpus")
    for i in range(UNITS - 3):
        write(folder / f"spans-{i:02}.pb", spans(1 + 100 * i, 40, f"2026-11-{14 + i % 3}", bad_ordinals=(i % 40,)))
    write(folder / "x-logs.pb", logs(1, 60))
    write(folder / "y-metrics.pb", points(1, 60))
    write(folder / "z-text.txt", b"no OTLP at all\n" * 80)
    receipts(folder)
    return folder


@pytest.fixture(scope="module")
def truth(corpus: Path, otelmart: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake that one process makes, without Beam."""
    lake = tmp_path_factory.mktemp("truth") / "lake"
    assert ingest(otelmart, corpus, lake, "plain").wait() == 0
    assert rows(lake, "select count(*) from traces") == [((UNITS - 3) * 39,)]
    return lake


def ingest(otelmart: str, corpus: Path, lake: Path, runner: str, *beam_options: str) -> subprocess.Popen[str]:
    command = [
        *(str(Path(otelmart).parent / "python"), str(SMALL_UNITS), "ingest"),
        *("--from", f"files:{corpus}", "--to", f"lake:{lake}", "--runner", runner, "--", *beam_options),
    ]
    return subprocess.Popen(command, env=os.environ | SECRET, text=True)


def test_prism_writes_the_bytes_that_one_process_writes(
    otelmart: str, repo: Path, corpus: Path, truth: Path, tmp_path: Path
) -> None:
    prism = repo / ".otelmart" / "prism" / "prism"
    run = ingest(otelmart, corpus, tmp_path / "lake", "PrismRunner", f"--prism_location={prism}")

    assert run.wait(timeout=300) == 0
    assert tree(tmp_path / "lake") == tree(truth)


@dataclass
class Cluster:
    """A Dask scheduler with two workers of one thread; `started` has (worker, unit) of each unit one began to load."""

    address: str
    workers: list[subprocess.Popen[bytes]]
    log: Path

    def started(self) -> list[tuple[int, str]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(pid), unit_id) for pid, unit_id in (line.split() for line in lines)]


@contextmanager
def cluster(otelmart: str, folder: Path) -> Iterator[Cluster]:
    """A cluster on loopback, whole processes each; they end with the block."""
    dask = str(Path(otelmart).parent / "dask")
    environment = os.environ | SECRET | {"STARTED_UNITS": str(folder / "started")}
    found = folder / "scheduler.json"
    commands = [
        [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(found)],
        *[
            [
                *(dask, "worker", "--scheduler-file", str(found), "--host", "127.0.0.1", "--no-nanny", "--nthreads=1"),
                *("--no-dashboard", "--local-directory", str(folder), "--preload", str(COUNT_UNITS)),
            ]
        ]
        * 2,
    ]
    processes = []
    with (folder / "dask.log").open("wb") as log:
        try:
            for command in commands:
                processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
                _until(found.exists, 60, "the scheduler does not come up")
            yield Cluster(str(found), processes[1:], folder / "started")
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _until(is_so: object, seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def test_two_dask_workers_write_the_bytes_that_one_process_writes(
    otelmart: str, corpus: Path, truth: Path, tmp_path: Path
) -> None:
    with cluster(otelmart, tmp_path) as dask:
        run = ingest(otelmart, corpus, tmp_path / "lake", "DaskRunner", f"--dask_scheduler_file={dask.address}")
        assert run.wait(timeout=300) == 0
        started = dask.started()

    assert tree(tmp_path / "lake") == tree(truth)
    times = Counter(unit_id for _, unit_id in started)
    assert len(times) == UNITS
    print(f"Dask, 2 workers: {UNITS} units, {len(started)} times begun, by {len({pid for pid, _ in started})} workers")


def test_units_that_dask_runs_on_both_workers_at_once_are_in_the_lake_once(
    otelmart: str, corpus: Path, truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "UNIT_BYTES", 1024)
    lake, listing = tmp_path / "lake", files.listing(str(corpus))
    job = Job(lake, listing.place, Rules.load(SECRET["OTELMART_PRIVACY_KEY"].encode()), Limits())

    with cluster(otelmart, tmp_path) as dask, Client(scheduler_file=dask.address) as client, units.only_writer(lake):
        client.wait_for_workers(2)
        workers = list(client.scheduler_info()["workers"])
        assert len(workers) == 2
        loads = [
            client.submit(LoadUnit(job).process, unit, workers=[worker], pure=False)
            for unit in units.plan_files(lake, listing.files)
            for worker in workers
        ]
        client.gather(loads)
        started = dask.started()

    assert tree(lake) == tree(truth)
    times = Counter(unit_id for _, unit_id in started)
    assert len({pid for pid, _ in started}) == 2
    assert list(times.values()) == [2] * UNITS
    print(f"Dask, both workers load all: {UNITS} units, {len(started)} times begun, bytes the same")


def test_a_dask_worker_killed_midway_changes_nothing(otelmart: str, corpus: Path, truth: Path, tmp_path: Path) -> None:
    with cluster(otelmart, tmp_path) as dask:
        run = ingest(otelmart, corpus, tmp_path / "lake", "DaskRunner", f"--dask_scheduler_file={dask.address}")
        victim = dask.workers[1]
        pids = {victim.pid, *(child.pid for child in psutil.Process(victim.pid).children(recursive=True))}
        _until(lambda: sum(pid in pids for pid, _ in dask.started()) >= 3, 240, "the worker got no third unit")
        victim.send_signal(signal.SIGKILL)
        done = len(list((tmp_path / "lake" / "ingest_ledger").glob("[!.]*.parquet")))
        assert run.wait(timeout=300) == 0
        started = dask.started()

    assert 0 < done < UNITS, "killed before the first or after the last unit"
    assert tree(tmp_path / "lake") == tree(truth)
    assert len(started) > UNITS  # some were loaded again, and left the bytes as they were
    print(f"Dask worker killed with {done} of {UNITS} units committed: {len(started)} times begun, bytes the same")
