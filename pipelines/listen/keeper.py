"""What happens behind the receiver: the inbox into the lake every few seconds, and marts and report kept fresh.

Each is the command a user would type, in a process of its own, so that neither slows an answer.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.listen.inbox import Inbox

Say = Callable[[str], None]
_COMPACT_EVERY_LOADS = 64  # each leaves a part more of a date


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to, and how often in seconds; `build_seconds` None leaves the marts alone. `lake` is a directory, or
    gs://BUCKET/PREFIX; `message_bytes` is the largest message that was taken."""

    lake: str
    message_bytes: int
    warehouse: Path
    report: Path
    load_seconds: float
    build_seconds: float | None


class Keeper:
    """Loads and builds one after the other, never two at once. What fails is said and tried again the next time."""

    def __init__(self, inbox: Inbox, plan: Plan, say: Say) -> None:
        self._inbox, self._plan, self._say = inbox, plan, say
        self._is_stale = (Path(plan.lake) / "ingest_ledger").is_dir()
        self._loads_since_compaction = 0

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        build_time = loop.time()
        while True:
            await asyncio.sleep(self._plan.load_seconds)
            await self.load()
            await self.compact()
            if self._plan.build_seconds is not None and loop.time() >= build_time:
                build_time = loop.time() + self._plan.build_seconds
                await self.build()

    async def finish(self) -> None:
        """What is still in the inbox, once."""
        await self.load()
        if self._plan.build_seconds is not None:
            await self.build()

    async def load(self) -> None:
        """Ingests the files that are there now, and removes them once they are committed."""
        files = self._inbox.files()
        if not files:
            return
        places = "--from", f"files:{self._inbox.folder}", "--to", f"lake:{self._plan.lake}"
        if await self._done("ingest", "--runner", "plain", "--max-message", str(self._plan.message_bytes), *places):
            for path in files:
                path.unlink(missing_ok=True)
            self._is_stale = True
            self._loads_since_compaction += 1

    async def compact(self) -> None:
        """Puts the lake's small parts together once there are many; one in a bucket stays as it is."""
        if self._loads_since_compaction >= _COMPACT_EVERY_LOADS and not self._plan.lake.startswith("gs:"):
            self._loads_since_compaction = 0
            await self._done("compact", "--lake", self._plan.lake)

    async def build(self) -> None:
        """Rebuilds the dates that changed and writes the report anew; nothing when nothing came."""
        if not self._is_stale:
            return
        warehouse = ("--warehouse", str(self._plan.warehouse))
        if await self._done("build", "--lake", self._plan.lake, *warehouse, "--no-tests"):
            self._is_stale = not await self._done("report", *warehouse, "--to", str(self._plan.report))

    async def _done(self, *arguments: str) -> bool:
        """Whether the verb succeeded; its last line is said either way."""
        process = await asyncio.create_subprocess_exec(
            *_command(arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        lines = output.decode(errors="replace").strip().splitlines()
        if lines:
            self._say(f"{arguments[0]}: {lines[-1].removeprefix('otelmart: ')}")
        return process.returncode == 0


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments]
