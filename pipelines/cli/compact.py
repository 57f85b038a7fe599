"""`otelmart compact`: a lake's many small parts into few, with the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from pipelines.cli import options
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.cloud_storage import Objects
    from pipelines.compaction import Compacted


@click.command(epilog="Example: otelmart compact --lake .otelmart/lake")
@options.lake_directory
@options.as_json
def command(lake: Path | Objects, as_json: bool) -> None:
    """Put the small parts of each table and date together, where there are 64 or more: the same rows in fewer bytes.

    Safe to run at any time, also while something is loaded; otelmart listen does it by itself. While a build reads the
    lake nothing is done, and builds that begin meanwhile wait; a query of raw spans that finds a part gone has to be
    asked again. The ledger still tells what each unit wrote. What is killed is finished by the next run.
    """
    if not isinstance(lake, Path):
        raise UsageError(f"{lake} is in a bucket, where parts are not compacted: give --lake DIR")
    from pipelines.compaction import compact

    started = perf_counter()
    done = []
    for compacted in compact(options.existing_lake(lake)):
        done.append(compacted)
        click.echo(f"{compacted.path.parent.relative_to(lake)}: {_counts([compacted])}", err=True)
    if as_json:
        click.echo(json.dumps(_document(done)))
    elif done:
        click.echo(f"{_counts(done)} in {perf_counter() - started:.1f} s")
    else:
        click.echo("nothing to compact: no table has 64 small parts of one date")


def _counts(done: list[Compacted]) -> str:
    found = _document(done)
    before, after = found["bytes_before"] / 1e6, found["bytes_after"] / 1e6
    return f"{found['parts_before']:,} parts into {found['parts_after']:,}, {before:,.1f} MB into {after:,.1f} MB"


def _document(done: list[Compacted]) -> dict[str, int]:
    return {
        "parts_before": sum(each.part_count for each in done),
        "parts_after": len(done),
        "bytes_before": sum(each.bytes_before for each in done),
        "bytes_after": sum(each.bytes_after for each in done),
    }
