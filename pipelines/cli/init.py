"""`otelmart init`: the BigQuery dataset as schemas/ say."""

from __future__ import annotations

import json

import click

from pipelines.cli import options
from pipelines.errors import RunError


@click.command(epilog="Example: otelmart init --to bigquery:shop.observability --dry-run")
@click.option("--to", "sink", metavar="URI", required=True, help="bigquery:PROJECT.DATASET.")
@click.option(
    "--location",
    metavar="PLACE",
    envvar="OTELMART_BIGQUERY_LOCATION",
    help="Where a new dataset is kept, US for example; EU unless told, as for dbt.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing; exit code 1 if it cannot be.")
@options.as_json
def command(sink: str, location: str | None, dry_run: bool, as_json: bool) -> None:
    """Create a BigQuery dataset and its tables, or add to them what schemas/ have gained.

    Only additions: a column of another type, a stricter one or another partitioning is refused by name, and then
    nothing is changed. Columns that schemas/ do not know are left alone. Running it again changes nothing.
    """
    from pipelines.dataset import Dataset
    from pipelines.sinks.bigquery import EXAMPLE, bigquery

    place = bigquery(options.edge(sink, "--to", {"bigquery": EXAMPLE})).dataset
    dataset = Dataset(place)
    plan = dataset.plan()
    if not dry_run and not any(each.refused for each in plan):
        dataset.create(location)
    document = [
        {"table": each.table, "change": each.text, "added": each.added, "refused": each.refused, "beyond": each.beyond}
        for each in plan
    ]
    if as_json:
        click.echo(json.dumps(document))
    width = max(len(each.table) for each in plan)
    for each in plan if not as_json else ():
        left = f" (left alone: {', '.join(each.beyond)})" if each.beyond else ""
        click.echo(f"{each.table.ljust(width)}  {each.text}{left}")
    if dry_run and any(each.refused for each in plan):
        raise RunError("this cannot be done by adding: copy such a table to another name, drop it, and run init again")
    if not dry_run:
        count = len(list(dataset.apply(plan)))
        click.echo(f"{place}: {count} of {len(plan)} tables changed", err=True)
