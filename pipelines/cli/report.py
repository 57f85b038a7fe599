"""`otelmart report`: the marts as one HTML page."""

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from pipelines.cli.answers import once_free
from pipelines.errors import UsageError

DEFAULT_PAGE = Path(".otelmart/report.html")


warehouse_option = click.option(
    "--warehouse",
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="OTELMART_WAREHOUSE",
    default=Path(".otelmart/warehouse.duckdb"),
    show_default=True,
    help="DuckDB file with the marts.",
)


def warehouse_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--warehouse and --environment, the same for every verb that shows one environment's marts."""
    environment = click.option(
        "--environment", metavar="NAME", help="Environment to show; default: production, else the busiest."
    )
    return warehouse_option(environment(function))


@click.command(epilog="Example: otelmart report --to report.html")
@warehouse_options
@click.option(
    "--to",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=DEFAULT_PAGE,
    show_default=True,
    help="HTML file to write; it is replaced in one step.",
)
@click.option("--json", "as_json", is_flag=True, help="Print where the page is, its size and what it shows, as JSON.")
def command(warehouse: Path, environment: str | None, target: Path, as_json: bool) -> None:
    """Write one HTML page that shows the marts: no server, no network, light and dark, for screen, phone and paper."""
    from pipelines.report import units
    from pipelines.report.page import write_page
    from pipelines.report.warehouse import read_facts

    if target.is_dir():  # also the empty name, which click takes
        raise UsageError(f"--to {target} is a directory: name a file")
    started = perf_counter()
    facts = once_free(lambda: read_facts(warehouse, environment))
    page_bytes = write_page(facts, target)
    seconds = perf_counter() - started
    period = units.plain(facts.scope.period())
    if as_json:
        shown = {"environment": facts.scope.environment, "period": period}
        click.echo(json.dumps({"path": str(target), "page_bytes": page_bytes, "seconds": round(seconds, 3), **shown}))
    else:
        click.echo(f"{target}  ({page_bytes / 1e6:.1f} MB, {facts.scope.environment}, {period})")
