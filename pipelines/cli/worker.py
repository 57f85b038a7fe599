"""`otelmart worker`: the always-on mode, without Beam."""

from __future__ import annotations

import click

from pipelines.cli import options
from pipelines.cli.listen import Address, Interval
from pipelines.errors import UsageError


@click.command(
    epilog="Example: otelmart worker --from pubsub:projects/shop/subscriptions/otlp --to lake:.otelmart/lake"
)
@click.option("--from", "source", metavar="URI", required=True, help="pubsub:projects/PROJECT/subscriptions/NAME.")
@click.option(
    "--to", "sink", metavar="URI", default=f"lake:{options.DEFAULT_LAKE}", show_default=True, help="Where rows go."
)
@click.option("--processes", metavar="N", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option(
    "--batch",
    "batch_bytes",
    type=options.ByteSize(),
    default="8MiB",
    show_default=True,
    help="Bytes of messages as sent that make a batch; so do twelve times as many unfolded.",
)
@click.option(
    "--batch-every",
    type=Interval(),
    metavar="TIME",
    help="Longest wait for a batch: 10s into a lake or BigQuery, 1s into its default stream.",
)
@click.option(
    "--outstanding",
    "outstanding_bytes",
    type=options.ByteSize(),
    default="64MiB",
    show_default=True,
    help="Bytes of messages as sent that a process holds; the rest waits in Pub/Sub.",
)
@click.option(
    "--lease",
    type=Interval(),
    metavar="TIME",
    default="60s",
    show_default=True,
    help="10s to 600s; after so long, messages of a process that died go to another.",
)
@click.option(
    "--health",
    type=Address(),
    metavar="HOST:PORT",
    default="127.0.0.1:8080",
    show_default=True,
    help="/healthz, /readyz, /metrics.",
)
@click.option(
    "--grace", type=Interval(), metavar="TIME", default="30s", show_default=True, help="Longest orderly end on SIGTERM."
)
@options.max_message
def command(
    source: str,
    sink: str,
    processes: int,
    batch_bytes: int,
    batch_every: float | None,
    outstanding_bytes: int,
    lease: float,
    health: tuple[str, int],
    grace: float,
    max_message_bytes: int,
) -> None:
    """Pull OTLP from Pub/Sub and commit it: pull, decode, write, ledger, and only then acknowledge.

    A message that comes again is acknowledged without being written. A process that is killed loses nothing: Pub/Sub
    sends its messages again. On SIGTERM what was pulled is finished first.

    Into lake:DIR, lake:gs://BUCKET/PREFIX, or bigquery:PROJECT.DATASET by the Storage Write API: a batch shows table by
    table, each whole, or with ?stream=default at once, at least once. A batch leaves small parts in a lake: let
    otelmart compact put those in a directory together, every hour or so. With the environment variables
    PUBSUB_EMULATOR_HOST, STORAGE_EMULATOR_HOST and BIGQUERY_STORAGE_EMULATOR_HOST, the emulators there are used. With
    OTEL_EXPORTER_OTLP_ENDPOINT, the worker sends metrics and a span a batch there.
    """
    import asyncio
    import os

    from pipelines.sources import pubsub
    from pipelines.worker.process import Settings
    from pipelines.worker.supervise import Plan, Supervisor
    from pipelines.worker.telemetry import telemetry

    place = options.edge(source, "--from", {"pubsub": pubsub.EXAMPLE})
    target = options.sink_at(sink)
    if outstanding_bytes < batch_bytes:
        raise UsageError("--outstanding is less than --batch: no batch could become full")
    if not 10 <= lease <= 600:
        raise UsageError(f"--lease {lease:.0f}s: Pub/Sub takes 10s to 600s")
    settings = Settings(
        subscription=pubsub.subscription_of(place),
        sink=sink,
        privacy_key=options.privacy_key().decode(errors="surrogateescape"),
        message_bytes=max_message_bytes,
        batch_bytes=batch_bytes,
        batch_seconds=target.batch_seconds if batch_every is None else batch_every,
        outstanding_bytes=outstanding_bytes,
        lease_seconds=int(lease),
    )
    own = telemetry(settings.subscription, os.environ)
    checks = [(check.what, check.look()) for check in (*pubsub.checks(settings.subscription), *target.checks())]
    for what, care in checks:  # once all are fit: a refusal stays one line
        if care:
            _say(f"careful: {what}: {care}")
    asyncio.run(Supervisor(settings, Plan(processes, *health, grace), target, _say, own).run())


def _say(text: str) -> None:
    click.echo(f"otelmart worker: {text}", err=True)
