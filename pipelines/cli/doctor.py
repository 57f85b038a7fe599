"""`otelmart doctor`: everything a worker or a listener needs, looked at before it is deployed."""

from __future__ import annotations

import json

import click

from pipelines.cli import options
from pipelines.errors import RunError


@click.command(epilog="Example: otelmart doctor --from pubsub:projects/shop/subscriptions/otlp --to bigquery:shop.otel")
@click.option("--from", "source", metavar="URI", help="pubsub:projects/PROJECT/subscriptions/NAME.")
@click.option(
    "--to",
    "sink",
    metavar="URI",
    help="lake:DIR, lake:gs://BUCKET/PREFIX or bigquery:PROJECT.DATASET; or pubsub:projects/PROJECT/topics/T.",
)
@options.as_json
def command(source: str | None, sink: str | None, as_json: bool) -> None:
    """Check credentials, permissions, subscription and tables, and change nothing. Exit code 1 when one is not fit.

    Each line is ok, careful (it works, and may hurt) or failed, with the cure.
    """
    from pipelines.errors import UsageError
    from pipelines.listen import topic
    from pipelines.sinks.uris import opened
    from pipelines.sources import pubsub

    if source is None and sink is None:
        raise UsageError("nothing to check: give --from, --to or both, as the worker or listen will get them")
    checks = []
    if source is not None:
        place = options.edge(source, "--from", {"pubsub": pubsub.EXAMPLE})
        checks += list(pubsub.checks(pubsub.subscription_of(place)))
    if sink is not None:
        is_topic = sink.startswith("pubsub:")
        checks += list(topic.checks(sink.partition(":")[2]) if is_topic else opened(sink).checks())
    found = []
    for check in checks:
        try:
            care = check.look()
            found.append((check.what, "careful" if care else "ok", care))
        except RunError as error:
            found.append((check.what, "failed", str(error)))
    if as_json:
        click.echo(json.dumps([{"what": what, "state": state, "text": text} for what, state, text in found]))
    else:
        width = max(len(what) for what, _, _ in found)
        for what, state, text in found:
            click.echo(f"{state.ljust(7)}  {what.ljust(width)}  {text}".rstrip())
    if failed := sum(state == "failed" for _, state, _ in found):
        raise RunError(f"{failed} of {len(found)} checks failed: put them right as they say, then run doctor again")
