"""`otelmart render`: bring the files generated from schemas/ and dbt/slos/ up to date, or say which are stale."""

import click

from pipelines import render as rendering
from pipelines.errors import RunError


@click.command(epilog="Example: otelmart render --check")
@click.option("--check", is_flag=True, help="Write nothing; fail (exit 1) when a rendered file is stale.")
def render(check: bool) -> None:
    """Write the files generated from schemas/ and dbt/slos/: data dictionary, dbt sources, SLO seeds."""
    if not check:
        for path in rendering.write():
            click.echo(path.relative_to(rendering.REPO))
    elif stale := sorted(str(path.relative_to(rendering.REPO)) for path in rendering.stale()):
        raise RunError(f"stale: {', '.join(stale)}: run `make fix` (or `otelmart render`) and commit the result")
