"""`otelmart render`: bring what is generated from schemas/, dbt/slos/ and the verbs up to date, or name the stale."""

from pathlib import Path

import click

from pipelines import render as rendering
from pipelines.cli import VERBS, main
from pipelines.errors import RunError

HELP = Path(__file__).parent / "README.md"
HELP_WIDTH = 100


@click.command(epilog="Example: otelmart render --check")
@click.option("--check", is_flag=True, help="Write nothing; fail (exit 1) when a rendered file is stale.")
def render(check: bool) -> None:
    """Write what is generated from schemas/, dbt/slos/ and the verbs: data dictionary, dbt sources, SLO seeds, help."""
    if not check:
        for path in rendering.write(wanted()):
            click.echo(path.relative_to(rendering.REPO))
    elif stale := sorted(str(path.relative_to(rendering.REPO)) for path in rendering.stale(wanted())):
        raise RunError(f"stale: {', '.join(stale)}: run `make fix` (or `otelmart render`) and commit the result")


def wanted() -> dict[Path, str]:
    """Text of every rendered file, by path."""
    return rendering.files() | {HELP: help_page()}


def help_page() -> str:
    """What `otelmart VERB --help` prints, for every verb."""
    root = click.Context(main, info_name="otelmart", terminal_width=HELP_WIDTH, **main.context_settings)
    parts = ["# The verbs\n\nRendered by `otelmart render` from what each verb says of itself; do not edit.\n"]
    for verb in VERBS:
        command = main.get_command(root, verb)
        assert command is not None
        text = command.get_help(click.Context(command, root, info_name=verb, terminal_width=HELP_WIDTH))
        parts.append(f"## {verb}\n\n```\n{text.rstrip()}\n```\n")
    return "\n".join(parts)
