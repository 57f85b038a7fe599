"""The `otelmart` command: verbs as subcommands, each imported only when it runs."""

import click


@click.group()
def main() -> None:
    """OpenTelemetry analytics marts: OTLP in, reconciled marts out."""
