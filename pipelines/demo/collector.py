"""Items → request files, as a collector writes them, and the plan of what was sent.

Batches of up to 1000 items or a few minutes go out as protobuf from the cluster and JSON from browsers, plain, gzip and
zstd mixed. Some bodies arrive again (retries, redeliveries), one of the first day arrives after the last, some batches
repeat spans of another, and one hour of each day comes as two larger files: JSON lines and length-delimited protobuf.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson
import zstandard

from pipelines.demo.catalog import NS_PER_SECOND
from pipelines.demo.otlp import Item, Span
from pipelines.demo.otlp_json import json_request
from pipelines.demo.otlp_protobuf import protobuf_request
from pipelines.demo.outbox import Outbox
from pipelines.demo.shop import HOUR_NS, Shop, utc_date

BATCH_ITEMS = 1000
BATCH_NS = {"traces": 300 * NS_PER_SECOND, "logs": 900 * NS_PER_SECOND}
RETRY_EVERY, REDELIVER_EVERY, REBATCH_EVERY = 61, 97, 37
REBATCHED_SPANS = 25
CONTAINER_HOUR = 2  # of each day: its batches come in one container file
LATE_HOUR = 14  # of the first day: its first batch of spans arrives after the last day
MANIFEST = "manifest.jsonl"


class Body(NamedTuple):
    """One request: its uncompressed bytes and when the collector received it."""

    signal: str
    is_json: bool
    data: bytes
    received_ns: int


@dataclass(slots=True)
class Sent:
    """What was sent, counted while deciding to send it. `rows` by (table, UTC date) count each distinct body once."""

    manifest: list[dict[str, str | int]] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)
    repeated_messages: Counter[str] = field(default_factory=Counter)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    delivered_rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    rebatched_spans: Counter[str] = field(default_factory=Counter)
    conflicting_span_count: int = 0

    def add(self, other: Sent) -> None:
        """Take over what another day sent."""
        self.manifest += other.manifest
        self.messages += other.messages
        self.repeated_messages += other.repeated_messages
        self.rows += other.rows
        self.delivered_rows += other.delivered_rows
        self.rebatched_spans += other.rebatched_spans
        self.conflicting_span_count += other.conflicting_span_count


class Collector:
    """Writes request files below `directory` and keeps the plan in `sent`."""

    def __init__(self, directory: Path, shop: Shop) -> None:
        self.directory, self.shop = directory, shop
        self.sent = Sent()

    def write_day(self, day: int, out: Outbox) -> None:
        """Every batch of one day's outbox."""
        for signal, streams in (("traces", out.spans), ("logs", out.logs)):
            for stream, items in streams.items():
                self._write_stream(day, signal, stream, items)

    def write_body(self, name: str, body: Body, encoding: str, rows: Counter[str], copies: int = 1) -> None:
        """One file a delivery; `rows` by UTC date. Copies carry the same bytes, compressed another way, later."""
        self.count(body.signal, rows, copies)
        for copy in range(copies):
            again = body._replace(received_ns=body.received_ns + copy * 95 * NS_PER_SECOND)
            self._write_file(f"{name}{f'-again{copy}' if copy else ''}", again, encoding if copy == 0 else "gzip")

    def count(self, signal: str, rows: Counter[str], copies: int = 1) -> None:
        """Note a readable request with its rows by UTC date, and how often it is delivered."""
        self.sent.messages[signal] += 1
        self.sent.repeated_messages[signal] += copies - 1
        for date, count in rows.items():
            self.sent.rows[signal, date] += count
            self.sent.delivered_rows[signal, date] += count * copies

    def _write_stream(self, day: int, signal: str, stream: str, items: list[Item]) -> None:
        container: list[Body] = []
        is_json, late_sent = stream == "browser", False
        previous: list[Item] = []
        for number, batch in enumerate(batches(items, BATCH_NS[signal])):
            if signal == "traces" and number % REBATCH_EVERY == REBATCH_EVERY - 1:
                batch = self._with_repeats(batch, previous)
            data = json_request(batch, signal) if is_json else protobuf_request(batch)
            body = Body(signal, is_json, data, batch[-1].arrival_ns + NS_PER_SECOND)
            rows = Counter(utc_date(_event_time_ns(item)) for item in batch)
            into_day_ns = body.received_ns - self.shop.day_start_ns(day)
            if into_day_ns // HOUR_NS == CONTAINER_HOUR and (signal, stream) in _CONTAINERS:
                container.append(body)
                self.count(signal, rows)
                continue
            name, copies = f"{signal}/{utc_date(body.received_ns)}/{stream}-{day}-{number:05d}", 1
            if (signal, stream, day, late_sent) == (
                "traces",
                "backend",
                0,
                False,
            ) and into_day_ns >= LATE_HOUR * HOUR_NS:
                late_sent, body = True, body._replace(received_ns=self.shop.end_ns + 6 * HOUR_NS)
                name = f"{signal}/{utc_date(body.received_ns)}/{stream}-late"
            elif number % RETRY_EVERY == RETRY_EVERY - 1:
                copies = 2
            elif number % REDELIVER_EVERY == REDELIVER_EVERY - 1:
                copies = 3
            self.write_body(name, body, _ENCODINGS[stream][number % 3], rows, copies)
            previous = batch
        if container:
            self._write_container(f"{signal}/{utc_date(container[0].received_ns)}/{stream}-container", container)

    def _with_repeats(self, batch: list[Item], previous: list[Item]) -> list[Item]:
        """A batch that also holds spans already sent in the one before; one of them ends 5 ms later than before."""
        repeated = previous[:REBATCHED_SPANS]
        for item in repeated:
            self.sent.rebatched_spans[utc_date(_event_time_ns(item))] += 1
        for position, item in enumerate(repeated):
            if isinstance(item.record, Span) and item.record.name == "fetch.page.data":
                longer = item.record._replace(end_ns=item.record.end_ns + 5_000_000)
                repeated[position] = item._replace(record=longer)
                self.sent.conflicting_span_count += 1
                break
        return [*repeated, *batch]

    def _write_container(self, name: str, bodies: list[Body]) -> None:
        """Several requests in one file: JSON lines, or each message behind its length (4 bytes, big-endian)."""
        if bodies[0].is_json:
            data, suffix = b"".join(b.data + b"\n" for b in bodies), ".jsonl"
        else:
            data, suffix = b"".join(struct.pack(">I", len(b.data)) + b.data for b in bodies), ".pb"
        self.write_bytes(
            name + suffix,
            data,
            bodies[0].signal,
            "application/json" if bodies[0].is_json else "application/x-protobuf",
            "",
            bodies[-1].received_ns,
        )

    def _write_file(self, name: str, body: Body, encoding: str) -> None:
        suffix = ".json" if body.is_json else ".bin"
        data, ending = compressed(body.data, encoding)
        kind = "application/json" if body.is_json else "application/x-protobuf"
        self.write_bytes(name + suffix + ending, data, body.signal, kind, encoding, body.received_ns)

    def write_bytes(
        self, path: str, data: bytes, signal: str, content_type: str, encoding: str, received_ns: int
    ) -> None:
        """A file as it is, and its line of the manifest."""
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self.sent.manifest.append(
            {
                "path": path, "signal": signal, "content_type": content_type, "content_encoding": encoding,
                "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "received_unix_ns": received_ns,
            }
        )  # fmt: skip


_ENCODINGS = {"backend": ("gzip", "zstd", ""), "browser": ("gzip", "", "gzip")}
_CONTAINERS = {("traces", "backend"), ("logs", "browser")}


def batches(items: list[Item], longest_ns: int) -> Iterator[list[Item]]:
    """Items in order of arrival, cut at 1000 items or after `longest_ns`, whichever comes first."""
    batch: list[Item] = []
    for item in sorted(items, key=lambda i: i.arrival_ns):
        if batch and (len(batch) >= BATCH_ITEMS or item.arrival_ns - batch[0].arrival_ns > longest_ns):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def compressed(data: bytes, encoding: str) -> tuple[bytes, str]:
    """Bytes under a content encoding, and the file ending that goes with it."""
    if encoding == "gzip":
        return gzip.compress(data, 1, mtime=0), ".gz"
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=1).compress(data), ".zst"
    return data, ""


def write_manifest(directory: Path, manifest: list[dict[str, str | int]]) -> None:
    """One line a file, in the order received: the files source reads receive times from it."""
    lines = sorted(manifest, key=lambda line: (line["received_unix_ns"], line["path"]))
    (directory / MANIFEST).write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def _event_time_ns(item: Item) -> int:
    record = item.record
    return record.start_ns if isinstance(record, Span) else record.time_ns or record.observed_ns
