"""Where the worker serves its health and metrics."""

import asyncio
import re
from pathlib import Path

import pytest
import requests

from pipelines.errors import RunError
from pipelines.sinks.lake import Lake
from pipelines.worker.process import Settings
from pipelines.worker.supervise import Plan, Supervisor


class Idle(Supervisor):
    """Its process does nothing until it is to stop."""

    async def _run_one(self) -> int:
        await self._stop.wait()
        return 0


def answer(host: str, lake: Path) -> str:
    """What a worker answers at the address that it says. Raises RunError when it cannot listen."""
    settings = Settings("projects/p/subscriptions/s", f"lake:{lake}", "key", 1 << 20, 10, 1.0, 1 << 20, 10)
    said: list[str] = []
    worker = Idle(settings, Plan(1, host, 0, 1.0), Lake(lake), said.append)

    async def asked() -> str:
        running = asyncio.create_task(worker.run())
        while not said and not running.done():
            await asyncio.sleep(0.01)
        if said:
            url = re.findall(r"http://\S+", said[0])[0]
            text = (await asyncio.to_thread(requests.get, f"{url}/healthz", timeout=5)).text
            worker._stop.set()
        await running
        return text

    return asyncio.run(asked())


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_health_is_served_where_the_worker_says(tmp_path: Path, host: str) -> None:
    assert answer(host, tmp_path) == "ok\n"


def test_a_host_that_cannot_be_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^cannot listen on a\.\.b:0 \(.+\): stop what uses the port"):
        answer("a..b", tmp_path)
