"""`otelmart backfill`: files of some dates into BigQuery, then the proof that they are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli import options
from pipelines.dates import dates
from pipelines.errors import RunError, UsageError
from pipelines.payloads import SIGNALS

if TYPE_CHECKING:
    from pipelines.backfill import Proof
    from pipelines.dataset import Dataset
    from pipelines.filled import Compared
    from pipelines.load_jobs import LakeUnit

BEGINNING, END = date.min, date.max


class Dates(click.ParamType[tuple[date, date]]):
    """A UTC date, or two with `..` between."""

    name = "dates"

    def convert(
        self, value: str | tuple[date, date], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[date, date]:
        if isinstance(value, tuple):
            return value
        try:
            return dates(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    epilog="Example: otelmart backfill --from gs://shop-archive/ --dates 2026-11-01..2026-11-07 --to bigquery:shop.raw"
)
@click.option(
    "--from",
    "source",
    metavar="URI",
    required=True,
    help="gs://BUCKET/PREFIX, files:DIR, lake:DIR or lake:gs://BUCKET/PREFIX.",
)
@click.option("--to", "sink", metavar="URI", required=True, help="bigquery:PROJECT.DATASET.")
@click.option(
    "--dates",
    type=Dates(),
    metavar="DATES",
    help="UTC dates on which files were received: FIRST..LAST; all unless told.",
)
@click.option(
    "--privacy-key",
    metavar="URI",
    help="secret:projects/…/versions/N or file:PATH; unless told, the key of this machine.",
)
@options.max_message
@options.engine_options
@options.as_json
def command(
    source: str,
    sink: str,
    dates: tuple[date, date] | None,
    privacy_key: str | None,
    max_message_bytes: int,
    runner: str,
    workers: int,
    beam_options: tuple[str, ...],
    as_json: bool,
) -> None:
    """Load what a source received on some dates into BigQuery, and prove that it is there.

    Payloads that the ledger already has are left out, so the same command again adds nothing; what was cut off is
    finished by it. At the end BigQuery counts, for each table, the payloads of these dates whose rows are not all
    there: exit code 1 if there is one. Values are compared, too, by a checksum a table and date: those of a lake with
    the lake, those of files with what was decoded now; of payloads that the ledger had before, only row counts.

    Files are decoded, and written by the Storage Write API. The units of a lake go by load jobs, which cost nothing;
    their ids come of what they load, so BigQuery itself does none twice.
    """
    from pipelines import backfill, compaction, fill, load_jobs, secret
    from pipelines.dataset import Dataset
    from pipelines.sinks.bigquery import EXAMPLE, bigquery
    from pipelines.sources import uris
    from pipelines.sources.compression import Limits

    target = bigquery(options.edge(sink, "--to", {"bigquery": EXAMPLE}))
    sources = {scheme: example for scheme, (example, _) in uris.SOURCES.items()} | {"lake": options.LAKE_EXAMPLE}
    place = options.edge(source, "--from", sources)
    if runner == "DaskRunner":
        raise UsageError("DaskRunner does not tell what its workers were refused: choose another --runner")
    if runner == "DataflowRunner" and not (source.startswith("gs:") and (privacy_key or "").startswith("secret:")):
        raise UsageError("DataflowRunner sees nothing of this machine: give --from gs://… and --privacy-key secret:…")
    if privacy_key and runner != "DataflowRunner":  # before hours of work that want it
        secret.secret(privacy_key)
    first, last = dates or (BEGINNING, END)
    for check in target.checks():
        check.look()
    dataset = Dataset(target.dataset)
    dataset.look()
    if source.startswith("lake:"):
        lake = options.existing_lake(options.lake_at(place))
        with compaction.reading(lake):
            dates_of_unit = load_jobs.received(lake, first, last)
            if not dates_of_unit:
                raise RunError(f"{lake} received nothing on these dates: see --dates")
            with compaction.as_units(lake, dates_of_unit) as in_units:
                _load_lake(lake, in_units, load_jobs.units(in_units, dates_of_unit), dataset, as_json)
        return
    listing = uris.listing(source, options.LISTINGS)
    planned = backfill.units(listing.files, first, last)
    if not planned:
        raise RunError(f"{source} received nothing on these dates: it holds {len(listing.files):,} files; see --dates")
    chosen = [file for unit in planned for file in unit.files]
    byte_count = sum(file.byte_count for file in chosen)
    click.echo(f"{len(chosen):,} files, {byte_count / 1e6:,.1f} MB, {len(planned):,} units", err=True)
    received = sorted(fill.received(file) for file in chosen)
    since = fill.known_since(received[0])
    key = privacy_key or options.privacy_key_place()
    job = fill.Job(listing.place, sink, key, Limits(max_message_bytes), since, is_compared=True)
    if compared := backfill.run(planned, job, options.Engine(runner, workers, beam_options).beam_arguments()):
        _say_compared(compared)
    target.close()
    _say(backfill.proofs(dataset, since, received[-1]), as_json)


def _load_lake(lake: Path, in_units: Path, planned: Sequence[LakeUnit], dataset: Dataset, as_json: bool) -> None:
    from pipelines import backfill, load_jobs

    byte_count = sum(unit.byte_count for unit in planned)
    click.echo(f"{len(planned):,} units, {byte_count / 1e6:,.1f} MB", err=True)
    count = 0
    for unit in load_jobs.load(in_units, planned, dataset):
        count += 1
        click.echo(f"{unit.unit_id}: loaded, {unit.byte_count / 1e6:,.1f} MB", err=True)
    click.echo(f"{count:,} units loaded, {len(planned) - count:,} were there", err=True)
    received = (min(unit.first for unit in planned), max(unit.last for unit in planned))
    proofs = backfill.proofs(dataset, *received)
    _say(proofs, as_json)
    held = load_jobs.payload_counts(in_units, planned)
    if absent := sum(max(0, held.get(proof.table, 0) - proof.payload_count) for proof in proofs):
        raise RunError(
            f"{absent:,} payloads of {lake} are not in the ledger of {dataset.place}, though BigQuery knows the jobs "
            "that loaded them: were ledger entries deleted? --from files: or gs:// writes them again"
        )
    _compare(lake, planned, dataset)


def _compare(lake: Path, planned: Sequence[LakeUnit], dataset: Dataset) -> None:
    """Raises RunError when rows of the units have other values in BigQuery than in the lake."""
    from pipelines import checksums

    unit_ids = [unit.unit_id for unit in planned]
    for table in SIGNALS:
        wanted = checksums.of_lake([part for unit in planned for part in unit.parts.get(table, ())], table)
        found = checksums.of_bigquery(dataset.rows, dataset.place, table, unit_ids, wanted)
        if differing := sorted(str(day) for day in wanted if found.get(day) != wanted[day]):
            raise RunError(
                f"{table} of {', '.join(differing[:5])} have other values in {dataset.place} than in {lake}, by their "
                "checksum: another release or privacy key may have written them, or a replay added rows; if not, "
                "delete these rows and their ledger entries, and load the lake into it anew"
            )
        if wanted:
            row_count = sum(count for count, _ in wanted.values())
            click.echo(f"{table}: {row_count:,} rows have the checksums of the lake's", err=True)


def _say_compared(compared: Compared) -> None:
    known = compared.message_count - compared.payload_count
    click.echo(f"{compared.message_count:,} messages read: {compared.payload_count:,} new, {known:,} known", err=True)
    for table, row_count in compared.row_counts.items():
        if row_count:
            click.echo(f"{table}: {row_count:,} rows are there as they were decoded", err=True)


def _say(proofs: list[Proof], as_json: bool) -> None:
    if as_json:
        names = {"table": "table", "payload_count": "payloads", "row_count": "rows", "lacking_count": "lacking"}
        click.echo(json.dumps([{name: getattr(proof, key) for key, name in names.items()} for proof in proofs]))
    for proof in proofs if not as_json else ():
        state = f"{proof.lacking_count:,} payloads lack rows" if proof.lacking_count else "all there"
        click.echo(f"{proof.table:<8}{proof.payload_count:>12,} payloads{proof.row_count:>14,} rows  {state}")
    if lacking := sum(proof.lacking_count for proof in proofs):
        raise RunError(
            f"{lacking:,} payloads of the ledger lack rows in BigQuery: were rows or partitions deleted? "
            "Delete their ledger entries too, and run the same command again"
        )
