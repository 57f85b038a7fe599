"""The worker as a whole: processes kept running, what each committed told to the others, and all of it over HTTP; an
orderly end on SIGTERM.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, exposition

from pipelines.errors import RunError, refused
from pipelines.sinks import Sink
from pipelines.worker.process import Settings
from pipelines.worker.report import Done, Totals
from pipelines.worker.telemetry import Telemetry

Say = Callable[[str], None]
RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0)
STEADY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many processes, where health and metrics are served, and how long an orderly end may take in seconds."""

    process_count: int
    host: str
    port: int
    grace_seconds: float


class Supervisor:
    """Starts processes, and starts them again when they end by themselves, waiting longer each time."""

    def __init__(
        self, settings: Settings, plan: Plan, sink: Sink, say: Say, telemetry: Telemetry | None = None
    ) -> None:
        self._settings, self._plan, self._sink, self._say = settings, plan, sink, say
        self._telemetry = telemetry
        self._totals = Totals()
        self._running: set[asyncio.subprocess.Process] = set()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises RunError when the port is taken, or a process had to be killed at the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        self._sink.recover()
        runner = web.AppRunner(self._application(), access_log=None)
        await runner.setup()
        try:
            await self._listen(runner)
            keeping = [asyncio.create_task(self._keep()) for _ in range(self._plan.process_count)]
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait([stop, *keeping], return_when=asyncio.FIRST_COMPLETED)
            self._stop.set()  # one that keeps processes ended: it says why below
            self._say("stopping: what was pulled is committed and acknowledged first")
            killed_count = await self._end(keeping)
        finally:
            await runner.cleanup()
            if self._telemetry:
                await asyncio.to_thread(self._telemetry.close)
        if killed_count:
            raise RunError(
                f"{killed_count} processes did not finish within {self._plan.grace_seconds:.0f} s and were killed: "
                "nothing is lost, Pub/Sub sends their messages again; raise --grace"
            )

    async def _listen(self, runner: web.AppRunner) -> None:
        place = f"{self._plan.host}:{self._plan.port}"
        try:
            await web.TCPSite(runner, self._plan.host.strip("[]"), self._plan.port).start()
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise RunError(
                f"cannot listen on {place} ({why}): stop what uses the port, or choose another with --health"
            ) from None
        self._say(
            f"pulling {self._settings.subscription} into {self._settings.sink} with {self._plan.process_count} "
            f"processes; health and metrics on http://{self._plan.host}:{runner.addresses[0][1]}"
        )

    async def _keep(self) -> None:
        """One process after the other."""
        failure_count = 0
        while not self._stop.is_set():
            started = asyncio.get_running_loop().time()
            code = await self._run_one()
            if self._stop.is_set():
                return
            is_steady = asyncio.get_running_loop().time() - started > STEADY_SECONDS
            failure_count = 0 if is_steady else failure_count + 1
            pause = RESTART_SECONDS[min(failure_count, len(RESTART_SECONDS) - 1)]
            self._say(f"a process ended with {code}; the next one starts in {pause:.0f} s")
            self._totals.counts["restart_count"] += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            await asyncio.to_thread(self._recover)

    def _recover(self) -> None:
        """What a process left does no harm: that it cannot be removed now is no reason to end the others."""
        try:
            self._sink.recover()
        except (RunError, OSError) as error:
            text = refused(error) if isinstance(error, OSError) else error
            self._say(f"what the process left is still there: {text}")

    async def _run_one(self) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipelines.worker.process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=16 << 20,
        )
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asdict(self._settings)).encode() + b"\n")
        is_pulling = False
        self._running.add(process)
        if self._stop.is_set():
            process.terminate()
        try:
            async for line in process.stdout:
                done = Done(**json.loads(line))
                self._add(done)
                self._tell_others(process, done)
                self._totals.process_count += not is_pulling
                is_pulling = True
        finally:
            self._totals.process_count -= is_pulling
            self._running.discard(process)
        return await process.wait()

    def _add(self, done: Done) -> None:
        if new := sorted(done.left_out_counts.keys() - self._totals.left_out_counts.keys()):
            self._say(
                f"the tables have no {', '.join(new)}: values are left out, and counted, until "
                "otelmart init --to bigquery:PROJECT.DATASET adds them"
            )
        self._totals.add(done)
        if self._telemetry:
            self._telemetry.add(done)

    def _tell_others(self, process: asyncio.subprocess.Process, done: Done) -> None:
        """Pub/Sub may send a message again to any process: each knows what all have committed."""
        for other in self._running - {process}:
            if done.payload_ids and other.stdin and not other.stdin.is_closing():
                other.stdin.write(json.dumps(done.payload_ids).encode() + b"\n")

    async def _end(self, keeping: list[asyncio.Task[None]]) -> int:
        """How many processes had to be killed."""
        for process in self._running:
            process.terminate()
        await asyncio.wait(keeping, timeout=self._plan.grace_seconds)
        slow = list(self._running)
        for process in slow:
            process.kill()
        await asyncio.gather(*keeping)  # raises what one of them ended with
        return len(slow)

    def _application(self) -> web.Application:
        registry = CollectorRegistry()
        registry.register(self._totals)

        async def healthy(_: web.Request) -> web.Response:
            return web.Response(text="ok\n")

        async def ready(_: web.Request) -> web.Response:
            count, wanted = self._totals.process_count, self._plan.process_count
            text = f"{count} of {wanted} processes pull\n"
            return web.Response(text=text, status=200 if count == wanted and not self._stop.is_set() else 503)

        async def metrics(_: web.Request) -> web.Response:
            return web.Response(
                body=exposition.generate_latest(registry), headers={"Content-Type": exposition.CONTENT_TYPE_LATEST}
            )

        app = web.Application()
        handlers: dict[str, Any] = {"/healthz": healthy, "/readyz": ready, "/metrics": metrics}
        app.add_routes([web.get(path, handler) for path, handler in handlers.items()])
        return app
