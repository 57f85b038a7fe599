"""Options and their values that several verbs share."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.errors import RunError, UsageError

if TYPE_CHECKING:
    from pipelines import fill
    from pipelines.cloud_storage import Objects
    from pipelines.load import Job
    from pipelines.sinks import Sink
    from pipelines.units import Unit

KEY_VARIABLE = "OTELMART_PRIVACY_KEY"
KEY_FILE = Path(".otelmart/privacy.key")
DEFAULT_LAKE = Path(".otelmart/lake")
LAKE_EXAMPLE = "lake:DIR or lake:gs://BUCKET/PREFIX"
LISTINGS = Path(".otelmart/listings")
COPIES = Path(".otelmart/cache/lakes")
# --runner → what Beam calls it; Dask's it does not know by its short name
RUNNERS = {
    "FnApiRunner": "FnApiRunner",
    "PrismRunner": "PrismRunner",
    "DaskRunner": "apache_beam.runners.dask.dask_runner.DaskRunner",
    "DataflowRunner": "DataflowRunner",
}
_QUIET = ("apache_beam", "pipelines.graph")
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


class ByteSize(click.ParamType[int]):
    """A size with its unit: 64MiB, 200MB, 1048576."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", str(value).strip())
        if not match or match[2].upper() not in _UNITS or int(match[1]) == 0:
            self.fail(f"{value!r} is no size: write for example 64MiB", param, ctx)
        return int(match[1]) * _UNITS[match[2].upper()]


class LakePlace(click.ParamType["Path | Objects"]):
    """A directory, or gs://BUCKET/PREFIX."""

    name = "lake"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | Objects:
        place = lake_at(str(value)) if isinstance(value, str | Path) else value
        if isinstance(place, Path) and place.is_file():
            self.fail(f"{place} is a file: name the directory of a lake", param, ctx)
        return place


def lake_at(place: str) -> Path | Objects:
    """The lake that a directory's name, or gs://BUCKET/PREFIX, says. Raises UsageError."""
    if not place.startswith("gs:"):
        return readable(Path(place))
    from pipelines.cloud_storage import objects

    return objects(place)


def sink_at(uri: str) -> Sink:
    """The sink that a URI names; a lake only where it can be read. Raises UsageError."""
    from pipelines.sinks.uris import opened

    if uri.startswith("lake:"):
        lake_at(uri.removeprefix("lake:"))
    return opened(uri)


def readable(path: Path) -> Path:
    """The path, if DuckDB can be told it: it takes some characters for patterns. Raises UsageError."""
    place = path.absolute()
    if odd := "".join(sorted(set("'*?[\\").intersection(str(place)))):
        raise UsageError(f"{place}: no lake or warehouse can be where a path has {odd}: choose another folder")
    return path


max_message = click.option(
    "--max-message",
    "max_message_bytes",
    type=ByteSize(),
    default="64MiB",
    show_default=True,
    help="Largest message, uncompressed; a larger one becomes a dead letter.",
)
lake_directory = click.option(
    "--lake",
    metavar="DIR",
    type=LakePlace(),
    envvar="OTELMART_LAKE",
    default=DEFAULT_LAKE,
    show_default=True,
    help="Directory of the lake, or gs://BUCKET/PREFIX.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document on stdout.")


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--runner, --workers and Beam's own options after `--`."""
    runner = click.option(
        "--runner",
        type=click.Choice([*RUNNERS, "plain"]),
        default="FnApiRunner",
        show_default=True,
        help="Beam runner, or plain: the same without Beam, which starts sooner.",
    )
    workers = click.option(
        "--workers", metavar="N", type=click.IntRange(1), default=1, show_default=True, help="Processes to load with."
    )
    beam_options = click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)
    return runner(workers(beam_options(function)))


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs the units: a Beam runner, or `plain`, this process without Beam."""

    runner: str
    workers: int = 1
    beam_options: Sequence[str] = ()

    def load(self, units: Sequence[Unit], job: Job) -> None:
        """Loads units; with none, Beam is not even imported."""
        if not units:
            return
        if self.runner == "plain":
            from pipelines.load import load_all

            load_all(units, job)
            return
        from pipelines import graph

        graph.load(units, job, self.beam_arguments() or ())

    def fill(self, planned: Sequence[Unit], job: fill.Job) -> None:
        """Loads units that no plan has."""
        arguments = self.beam_arguments()
        if arguments is None:
            from pipelines import fill

            fill.run(planned, job)
        else:
            from pipelines import backfill

            backfill.run(planned, job, arguments)

    def beam_arguments(self) -> list[str] | None:
        """What Beam is told; None when it is not to run. Raises RunError when the runner is not installed."""
        if self.runner == "plain":
            return None
        if self.runner == "DaskRunner" and not find_spec("distributed"):
            raise RunError("DaskRunner needs Dask: pip install 'otelmart[dask]'")
        for name in _QUIET:  # what failed is said once, by the command
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return [f"--runner={RUNNERS[self.runner]}", *self._spread(), *self.beam_options]

    def _spread(self) -> list[str]:
        """Options that give each process, or each worker of a Dask cluster, units of its own."""
        if self.runner == "DaskRunner":
            is_told = any(re.match("--dask_(npartitions|partition_size)", option) for option in self.beam_options)
            return [] if is_told else ["--dask_partition_size=1"]
        if self.workers > 1:
            return [f"--direct_num_workers={self.workers}", "--direct_running_mode=multi_processing"]
        return []


def edge(uri: str, option: str, kinds: dict[str, str]) -> str:
    """What follows the scheme of a source or sink URI. `kinds` has an example for each scheme there is."""
    scheme, colon, rest = uri.partition(":")
    choices = " or ".join(kinds.values())
    if not colon:
        raise UsageError(f"{option} {uri} has no scheme: write {choices}")
    if scheme not in kinds:
        raise UsageError(f"{option} {uri}: unknown scheme {scheme!r}; write {choices}")
    if not rest:
        raise UsageError(f"{option} {uri} names nothing: write {choices}")
    return rest


def existing_lake(lake: Path | Objects) -> Path:
    """The lake, if something was ever loaded into it; one in a bucket as a copy, of which only what is new is fetched.

    Raises UsageError, or RunError if Cloud Storage refuses.
    """
    folder = lake if isinstance(lake, Path) else _copied(lake)
    if not any((folder / "ingest_ledger").glob("*.parquet")):
        raise UsageError(
            f"there is no lake in {lake}: run otelmart ingest --from files:DIR --to lake:{lake}, or give --lake"
        )
    return folder


def _copied(lake: Objects) -> Path:
    from pipelines.sinks.bucket import copy

    folder = COPIES / hashlib.sha256(str(lake).encode()).hexdigest()[:20]
    copy(lake, folder, lambda _: True)
    return folder


def privacy_key() -> bytes:
    """Key of the pseudonyms: from the environment, else a file here, made on first use for its owner only."""
    if known := known_privacy_key():
        return known
    if not KEY_FILE.exists():
        KEY_FILE.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        click.echo(f"made {KEY_FILE}: keep it, or pseudonyms of the same person will differ next time", err=True)
    return KEY_FILE.read_bytes().strip()


def known_privacy_key() -> bytes | None:
    """The key if there is one; makes none."""
    if told := os.environb.get(KEY_VARIABLE.encode(), b"").strip():  # a secret made of a file ends with its newline
        return told
    return KEY_FILE.read_bytes().strip() if KEY_FILE.exists() else None


def privacy_key_place() -> str:
    """Where the key of this machine is: a file, made on first use, or the environment variable if that has it."""
    privacy_key()
    is_told = bool(os.environ.get(KEY_VARIABLE, "").strip())
    return f"environment:{KEY_VARIABLE}" if is_told else f"file:{KEY_FILE.resolve()}"
