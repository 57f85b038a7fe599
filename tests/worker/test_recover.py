"""What killed processes left in a lake is removed, whoever else removes it; and a worker goes on when it cannot be."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pipelines.sinks.lake import Lake
from pipelines.worker import supervise
from pipelines.worker.process import Settings
from pipelines.worker.supervise import Plan, Supervisor


def test_two_that_recover_at_once_remove_what_the_killed_left_and_nothing_else(tmp_path: Path) -> None:
    writers, parts = tmp_path / "_plans" / "writers", tmp_path / "traces" / "event_date=2026-11-16"
    alive = Lake(tmp_path)
    alive.claim("alive")
    parts.mkdir(parents=True)
    (parts / "alive00000000.parquet").touch()
    for i in range(300):
        (writers / f"{i:012x}").touch()
        (parts / f"{i:012x}00000000.parquet").touch()
    together = Barrier(2)

    def recover() -> None:
        together.wait()
        Lake(tmp_path).recover()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(recover) for _ in range(2)]:
            done.result()
    assert [path.name for path in writers.iterdir()] == ["alive"]
    assert [path.name for path in parts.iterdir()] == ["alive00000000.parquet"]
    alive.close()


def test_a_worker_goes_on_when_what_a_process_left_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "_plans" / "writers" / "no file").mkdir(parents=True)
    monkeypatch.setattr(supervise, "RESTART_SECONDS", (0.01,))
    settings = Settings("projects/p/subscriptions/s", f"lake:{tmp_path}", "key", 1 << 20, 10, 1.0, 1 << 20, 10)
    said: list[str] = []

    class Ending(Supervisor):
        """Its processes end at once; with the third, it is to stop."""

        started_count = 0

        async def _run_one(self) -> int:
            self.started_count += 1
            if self.started_count == 3:
                self._stop.set()
            return 1

    async def keep() -> int:
        ending = Ending(settings, Plan(1, "127.0.0.1", 0, 1.0), Lake(tmp_path), said.append)
        await ending._keep()
        return ending.started_count

    assert asyncio.run(keep()) == 3
    assert (
        said[1::2]
        == [
            f"what the process left is still there: Is a directory: {tmp_path}/_plans/writers/no file; "
            "put that right and run it again"
        ]
        * 2
    )
