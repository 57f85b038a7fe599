"""`otelmart ledger`: every table and date, reconciled; exit code 1 when a row is unexplained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli import options
from pipelines.errors import RunError

if TYPE_CHECKING:
    from pipelines.cloud_storage import Objects
    from pipelines.reconciliation import Reconciliation

SOURCES = {"bigquery": "bigquery:PROJECT.DATASET", "lake": options.LAKE_EXAMPLE}
_HEADINGS = ("table", "date", "outside", "accounted", "duplicates", "replayed", "lost", "uncommitted", "unexplained")


@click.command(epilog="Example: otelmart ledger --lake .otelmart/lake")
@options.lake_directory
@click.option("--from", "source", metavar="URI", help="bigquery:PROJECT.DATASET, or lake:PLACE instead of --lake.")
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Compare the rows that are there with what the ledger says of them; in BigQuery, a query over all of them.",
)
@options.as_json
def command(lake: Path | Objects, source: str | None, verify: bool, as_json: bool) -> None:
    """Reconcile counts taken outside the pipeline, the ledger, and the rows in the lake or in BigQuery.

    unexplained = outside - accounted + lost + uncommitted, in rows; it must be 0, or the exit code is 1.
    """
    if source and source.startswith("bigquery:"):
        found, cure = _in_bigquery(source, verify), _cure_in_bigquery
    else:
        if source:
            lake = options.lake_at(options.edge(source, "--from", SOURCES))
        found, cure = _in_lake(options.existing_lake(lake), verify), _cure
    click.echo(json.dumps(found.document()) if as_json else text(found))
    if found.unexplained:
        raise RunError(f"{found.unexplained:,} rows are unexplained: {cure(found)}")


def _in_lake(lake: Path, verify: bool) -> Reconciliation:
    from pipelines.compaction import reading
    from pipelines.reconciliation import reconcile

    with reading(lake):
        return reconcile(lake, verify=verify)


def _in_bigquery(source: str, verify: bool) -> Reconciliation:
    from pipelines.dataset import Dataset
    from pipelines.reconciliation_bigquery import reconcile
    from pipelines.sinks.bigquery import bigquery

    dataset = Dataset(bigquery(options.edge(source, "--from", SOURCES)).dataset)
    if missing := [each.table for each in dataset.plan() if each.is_new]:
        raise RunError(
            f"{dataset.place} has no {', '.join(missing)}: otelmart init --to bigquery:{dataset.place} makes them"
        )
    return reconcile(dataset.place, dataset.rows, verify=verify)


def text(found: Reconciliation) -> str:
    """The reconciliation as a table, dead letters below."""
    rows = [_HEADINGS] + [
        (
            line.table,
            line.event_date,
            "-" if line.outside is None else f"{line.outside:,}",
            *(f"{n:,}" for n in (line.accounted, line.duplicates, line.replayed, line.lost, line.uncommitted)),
            f"{line.unexplained:,}",
        )
        for line in found.lines
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    lines = [
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
        for r in rows
    ]
    dead = ", ".join(f"{count:,} {signal}" for signal, count in found.dead_lettered.items()) or "0"
    return "\n".join([*lines, f"dead-lettered rows: {dead}; messages nobody could parse: {found.unparsed_messages:,}"])


def _cure(found: Reconciliation) -> str:
    """What to do about the worst of it."""
    if any(line.lost for line in found.lines):
        return "parts of the lake are gone or short; restore them, or ingest the source again into a new lake"
    if any(line.uncommitted for line in found.lines):
        return "an ingest is under way, or was interrupted; if none is, run the same otelmart ingest again"
    if any(line.unexplained > 0 for line in found.lines):
        return "more was counted outside than arrived; ingest what is missing, or look at otelmart replay"
    return "more arrived than was counted outside; does the counter see every source of this lake?"


def _cure_in_bigquery(found: Reconciliation) -> str:
    """What to do about the worst of it."""
    if any(line.lost for line in found.lines):
        return "rows or partitions were deleted; delete their ledger entries too, and run otelmart backfill again"
    if any(line.uncommitted for line in found.lines):
        return "a writer is at work, or was killed and what it wrote comes again; look again when none is"
    return _cure(found)
