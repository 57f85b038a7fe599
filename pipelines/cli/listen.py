"""`otelmart listen`: point an app's OTLP exporter here, and see it in the marts."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from pipelines.cli import options
from pipelines.cli.report import DEFAULT_PAGE
from pipelines.errors import UsageError

TOKEN_VARIABLE = "OTELMART_LISTEN_TOKEN"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Interval(click.ParamType[float]):
    """A time with its unit: 30s, 1m, 2h."""

    name = "interval"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"(\d+)\s*([smh])", str(value).strip())
        if not match or int(match[1]) == 0:
            self.fail(f"{value!r} is no interval: write for example 30s, 1m or 2h", param, ctx)
        return float(int(match[1]) * _SECONDS[match[2]])


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, colon, port = str(value).rpartition(":")
        if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            self.fail(f"{value!r} is no address: write HOST:PORT, for example 127.0.0.1:4318", param, ctx)
        return host, int(port)


@click.command(epilog="Example: otelmart listen --build-every 1m --cors-origin http://localhost:3000")
@click.option(
    "--http", type=Address(), metavar="HOST:PORT", default="127.0.0.1:4318", show_default=True, help="OTLP/HTTP."
)
@click.option(
    "--grpc", type=Address(), metavar="HOST:PORT", default="127.0.0.1:4317", show_default=True, help="OTLP/gRPC."
)
@click.option(
    "--to",
    "sink",
    metavar="URI",
    default=f"lake:{options.DEFAULT_LAKE}",
    show_default=True,
    help="The lake (DIR or gs://…), or a Pub/Sub topic.",
)
@click.option(
    "--inbox",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".otelmart/inbox"),
    show_default=True,
    help="Where requests wait, on disk, until the lake has them.",
)
@click.option(
    "--load-every",
    type=Interval(),
    metavar="TIME",
    default="30s",
    show_default=True,
    help="From the inbox to the lake.",
)
@click.option("--build-every", type=Interval(), metavar="TIME", help="Keep marts and report fresh; default: do not.")
@click.option(
    "--warehouse",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="OTELMART_WAREHOUSE",
    default=Path(".otelmart/warehouse.duckdb"),
    show_default=True,
    help="DuckDB file for --build-every.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    metavar="ORIGIN",
    multiple=True,
    help="Origin whose pages may send, for example http://localhost:3000; may be given several times.",
)
@options.max_message
@click.option(
    "--memory",
    "held_bytes",
    type=options.ByteSize(),
    default="256MiB",
    show_default=True,
    help="Requests held at once; more are told to come again (429).",
)
def command(
    http: tuple[str, int],
    grpc: tuple[str, int],
    sink: str,
    inbox: Path,
    load_every: float,
    build_every: float | None,
    warehouse: Path,
    cors_origins: tuple[str, ...],
    max_message_bytes: int,
    held_bytes: int,
) -> None:
    """Receive OTLP from apps and collectors: OTLP/HTTP (protobuf, JSON; gzip, zstd) and OTLP/gRPC.

    A request is answered when its bytes are on disk; with --to pubsub:projects/PROJECT/topics/NAME, when Pub/Sub has
    confirmed them, in the format of the collector's googlecloudpubsub exporter. What the lake cannot keep as rows
    becomes dead letters; the answer says how many. Stop with Ctrl-C: what was taken is loaded first. With the
    environment variable OTELMART_LISTEN_TOKEN, only requests with `Authorization: Bearer` and that token are taken.
    Every 64 loads the lake's small parts are put together, see otelmart compact.
    """
    import asyncio

    from pipelines.allocator import tune_allocator
    from pipelines.decode.rules import Rules
    from pipelines.listen.http import Access
    from pipelines.listen.inbox import Inbox
    from pipelines.listen.intake import Keep
    from pipelines.listen.keeper import Keeper, Plan
    from pipelines.listen.serve import Place, serve
    from pipelines.listen.topic import EXAMPLE, Topic
    from pipelines.sources.compression import Limits

    if held_bytes < max_message_bytes:
        raise UsageError("--memory is less than --max-message: no message of that size could be taken")
    sinks = {"lake": options.LAKE_EXAMPLE, "pubsub": EXAMPLE}
    place = options.edge(sink, "--to", sinks)
    keep: Keep
    keeper = None
    if sink.startswith("pubsub:"):
        if build_every:
            raise UsageError("--build-every needs a lake: with --to pubsub:… otelmart worker fills the tables")
        keep = topic = Topic(place)
        topic.look()
    else:
        options.lake_at(place)  # a mistake in it is told now
        keep = inbox_there = Inbox(inbox)
        plan = Plan(place, max_message_bytes, warehouse, DEFAULT_PAGE, load_every, build_every)
        keeper = Keeper(inbox_there, plan, _say)
    access = Access(os.environ.get(TOKEN_VARIABLE) or None, cors_origins)
    rules = Rules.load(options.privacy_key())
    places = Place(*http), Place(*grpc)
    limits = Limits(max_message_bytes)
    tune_allocator()
    asyncio.run(serve(places, keep, rules, limits, access, held_bytes, keeper, _say))


def _say(text: str) -> None:
    click.echo(text, err=True)
