"""The receiver as a whole: ports opened, exports taken until a signal says stop, then everything finished."""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from aiohttp import web

from pipelines.decode.rules import Rules
from pipelines.errors import RunError
from pipelines.listen import http, rpc
from pipelines.listen.intake import Intake, Keep
from pipelines.listen.keeper import Keeper
from pipelines.sources.compression import Limits

GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A host and port to listen on; port 0 takes any that is free."""

    host: str
    port: int


async def serve(
    places: tuple[Place, Place],
    inbox: Keep,
    rules: Rules,
    limits: Limits,
    access: http.Access,
    held_bytes: int,
    keeper: Keeper | None,
    say: Callable[[str], None],
) -> None:
    """Listens at `places` (HTTP, gRPC) until SIGTERM or SIGINT. Raises RunError when a port is taken.

    `keeper` takes further what the inbox has; None when somebody else does, as behind a topic.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    intake = Intake(inbox, rules, held_bytes)
    logging.getLogger("aiohttp.server").addFilter(http.is_of_server)
    runner = web.AppRunner(http.application(intake, limits, access), access_log=None, auto_decompress=False)
    grpc_server = rpc.server(intake, limits, access)
    working = [asyncio.create_task(task.run()) for task in (intake, keeper) if task]
    try:
        http_port = await _http_port(runner, places[0])
        grpc_port = _grpc_port(grpc_server, places[1])
        await grpc_server.start()
        say(f"OTLP/HTTP on http://{places[0].host}:{http_port}, OTLP/gRPC on {places[1].host}:{grpc_port}")
        await asyncio.wait([asyncio.create_task(stop.wait()), *working], return_when=asyncio.FIRST_COMPLETED)
        say("stopping: what was answered is kept")
    finally:
        await grpc_server.stop(GRACE_SECONDS)
        await runner.cleanup()
        await _ended(working)
    if keeper:
        await keeper.finish()


async def _http_port(runner: web.AppRunner, place: Place) -> int:
    await runner.setup()
    site = web.TCPSite(runner, place.host.strip("[]"), place.port, shutdown_timeout=GRACE_SECONDS)
    try:
        await site.start()
    except (OSError, UnicodeError) as error:
        raise _taken(place, "--http", getattr(error, "strerror", None) or str(error)) from None
    port: int = runner.addresses[0][1]
    return port


def _grpc_port(server: grpc.aio.Server, place: Place) -> int:
    try:
        return int(server.add_insecure_port(f"{place.host}:{place.port}"))
    except RuntimeError as error:
        raise _taken(place, "--grpc", str(error).partition(":")[0]) from None


def _taken(place: Place, option: str, why: str) -> RunError:
    cure = f"stop what uses the port, or choose another with {option} {place.host}:PORT"
    return RunError(f"cannot listen on {place.host}:{place.port} ({why}): {cure}")


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits for them; what one of them failed with is raised."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
