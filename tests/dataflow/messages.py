"""Messages as Pub/Sub delivers them, and the settings of a job that commits them to a stand-in of BigQuery."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import deflate
from apache_beam.io.gcp.pubsub import PubsubMessage

from pipelines.streaming import Settings
from tests.pipeline.telemetry import as_json, logs, points, spans
from tests.sinks.storage_service import Fault

SUBSCRIPTION = "projects/shop/subscriptions/otlp"
PUBLISHED = datetime(2026, 11, 18, 11, 6, 40, 123457, UTC)
TRACES = {"ce-type": "org.opentelemetry.otlp.traces.v1"}


def message(data: bytes, second: int = 0, **attributes: str) -> PubsubMessage:
    return PubsubMessage(data, attributes, str(second), PUBLISHED + timedelta(seconds=second))


def telemetry() -> list[PubsubMessage]:
    """Every signal, plain, compressed and JSON, with bad rows; a copy; bytes that are no OTLP; damaged gzip."""
    return [
        message(spans(1, 5, bad_ordinals=(2,)), 0, **TRACES),
        message(bytes(deflate.gzip_compress(spans(11, 5), 1)), 1),
        message(as_json(spans(21, 5)), 2),
        message(logs(1, 5), 3),
        message(points(1, 5), 4),
        message(spans(1, 5, bad_ordinals=(2,)), 0, **TRACES),
        message(b"\x0a\xff", 5, **TRACES),
        message(bytes(deflate.gzip_compress(spans(31), 1))[:-9], 6),
    ]


def settings(folder: Path, sink: str = "bigquery:shop.observability", **others: Any) -> Settings:
    """Settings with a key in a file of `folder`."""
    key = folder / "privacy.key"
    key.write_text("key\n")
    usual = {"shard_count": 4, "batch_bytes": 1 << 20, "batch_seconds": 60.0, "message_bytes": 64 << 20}
    return Settings(SUBSCRIPTION, sink, f"file:{key}", **usual | others)


def nth(number: int, method: str, fault: Fault) -> Callable[[str], Fault | None]:
    """The fault at the given call of a method, counted from 1."""
    calls: list[str] = []

    def asked(called: str) -> Fault | None:
        calls.append(called)
        return fault if called == method and calls.count(method) == number else None

    return asked
