"""`otelmart doctor`: everything a worker or a listener needs, looked at before it is deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import click

from pipelines.cli import options
from pipelines.errors import RunError, UsageError

if TYPE_CHECKING:
    from pipelines.checks import Check


class Finding(NamedTuple):
    """What a check found: ok, careful or failed, and why."""

    what: str
    state: str
    text: str


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
    checks = _checks(source, sink)
    width = max(len(check.what) for check in checks)
    found = []
    for check in checks:
        found.append(_look_at(check))
        if not as_json:  # at once: the next may take some seconds
            click.echo(f"{found[-1].state.ljust(7)}  {found[-1].what.ljust(width)}  {found[-1].text}".rstrip())
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found]))
    if failed := sum(each.state == "failed" for each in found):
        raise RunError(f"{failed} of {len(found)} checks failed: put them right as they say, then run doctor again")


def _checks(source: str | None, sink: str | None) -> list[Check]:
    from pipelines.listen import topic
    from pipelines.sources import pubsub

    if source is None and sink is None:
        raise UsageError("nothing to check: give --from, --to or both, as the worker or listen will get them")
    checks: list[Check] = []
    if source is not None:
        place = options.edge(source, "--from", {"pubsub": pubsub.EXAMPLE})
        checks += pubsub.checks(pubsub.subscription_of(place))
    if sink is not None:
        is_topic = sink.startswith("pubsub:")
        checks += topic.checks(sink.partition(":")[2]) if is_topic else options.sink_at(sink).checks()
    return checks


def _look_at(check: Check) -> Finding:
    try:
        care = check.look()
    except RunError as error:
        return Finding(check.what, "failed", str(error))
    return Finding(check.what, "careful" if care else "ok", care)
