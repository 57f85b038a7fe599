"""Avro files of Pub/Sub's Cloud Storage subscriptions, written by fastavro to the schema that Pub/Sub documents."""

import gzip
import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from pipelines.payloads import Payload, Unreadable, payload_id
from pipelines.sources import contents, files
from pipelines.sources.compression import Limits
from tests.pipeline.telemetry import RECEIVED_NS, logs, rows, spans, write

PUBLISHED = datetime(2026, 11, 17, 9, 30, 0, 123456, tzinfo=UTC)
SUBSCRIPTION = "projects/shop/subscriptions/archive"
METADATA = [
    {"name": "subscription_name", "type": "string"},
    {"name": "message_id", "type": "string"},
    {"name": "publish_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "attributes", "type": {"type": "map", "values": "string"}},
    {"name": "data", "type": "bytes"},
]


def avro(*messages: bytes, fields: list[dict[str, Any]] = METADATA, **options: Any) -> bytes:
    out = io.BytesIO()
    records = [
        {
            "subscription_name": SUBSCRIPTION,
            "message_id": str(100 + i),
            "publish_time": PUBLISHED,
            "attributes": {"ce-type": "org.opentelemetry.otlp.logs.v1", "content-encoding": "gzip"},
            "data": data,
        }
        for i, data in enumerate(messages)
    ]
    fastavro.writer(out, {"type": "record", "name": "AvroMessage", "fields": fields}, records, **options)
    return out.getvalue()


def read(folder: Path, data: bytes, **limits: int) -> list[Payload | Unreadable]:
    write(folder / "in" / "part-logs.avro", data)
    listing = files.listing(str(folder / "in"))
    return list(contents.payloads(listing.place, listing.files, Limits(**limits)))


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_record_is_a_message_received_when_it_was_published(tmp_path: Path, codec: str) -> None:
    first, second, empty = read(tmp_path, avro(gzip.compress(spans(1)), logs(1), b"", codec=codec, sync_interval=64))

    assert isinstance(first, Payload)
    assert (first.signal, first.data, first.payload_id) == ("traces", spans(1), payload_id(spans(1)))
    assert first.receive_time_us == int(PUBLISHED.timestamp()) * 1_000_000 + 123456
    assert first.source == "part-logs.avro#100"
    assert first.attributes["content-encoding"] == "gzip"
    assert isinstance(second, Payload)
    assert (second.signal, second.data) == ("logs", logs(1))
    assert isinstance(empty, Payload)  # ce-type tells
    assert empty.signal == "logs"


def test_without_metadata_a_message_is_received_when_the_file_was(tmp_path: Path) -> None:
    (found,) = read(tmp_path, avro(spans(1), fields=METADATA[-1:]))

    assert isinstance(found, Payload)
    assert (found.data, found.receive_time_us, found.source) == (spans(1), RECEIVED_NS // 1000, "part-logs.avro#0")


def test_poison_is_a_dead_letter_of_its_own(tmp_path: Path) -> None:
    good, bad, too_large = read(tmp_path, avro(spans(1), b"no OTLP", spans(1, 500)), message_bytes=5000)

    assert isinstance(good, Payload)
    assert isinstance(bad, Payload)  # the decoder says what is wrong with it, as with the worker
    assert bad.data == b"no OTLP"
    assert isinstance(too_large, Unreadable)
    assert (too_large.reason, b"".join(too_large.pieces(1000))) == ("message_too_large", spans(1, 500))


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_of_a_file_that_breaks_off_the_messages_before_are_kept(tmp_path: Path, kept: float) -> None:
    whole = avro(*(spans(i) for i in range(40)), sync_interval=200)
    cut = whole[: int(len(whole) * kept)]
    *found, damage = read(tmp_path, cut)

    assert [item.data for item in found if isinstance(item, Payload)] == [spans(i) for i in range(len(found))]
    assert 10 < len(found) < 40
    assert isinstance(damage, Unreadable)
    assert (damage.reason, damage.encoding, b"".join(damage.pieces(1 << 20))) == ("truncated_file", "raw", cut)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (avro(spans(1), fields=[{"name": "data", "type": "bytes"}], codec="deflate")[:-60] + b"\0" * 60, None),
        (b"Obj\x01", "truncated_file"),
        (b"Obj\x01\x02\x16avro.schema\x04{}\x00" + b"\0" * 16, None),
        (avro(codec="bzip2"), "bad_compression"),
    ],
)
def test_damage_of_any_kind_is_one_dead_letter_with_the_bytes(tmp_path: Path, data: bytes, reason: str | None) -> None:
    *_, found = read(tmp_path, data)

    assert isinstance(found, Unreadable)
    assert reason in (None, found.reason)
    assert b"".join(found.pieces(1 << 20)) == data


def test_avro_of_something_else_is_named(tmp_path: Path) -> None:
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "R", "fields": [{"name": "x", "type": "long"}]}, [{"x": 1}])
    (found,) = read(tmp_path, out.getvalue())

    assert isinstance(found, Unreadable)
    assert (found.reason, found.error_text) == (
        "unknown_signal",
        "Avro, but not of a Pub/Sub Cloud Storage subscription: no field data",
    )


def test_a_block_that_unfolds_too_far_is_not_unfolded(tmp_path: Path) -> None:
    (found,) = read(tmp_path, avro(bytes(50_000_000), codec="deflate"), message_bytes=1000, ratio=10)

    assert isinstance(found, Unreadable)
    assert found.reason == "decompressed_too_large"


def test_a_cut_file_that_is_replayed_whole_adds_what_was_missing(otelmart: str, tmp_path: Path) -> None:
    """And the archive adds nothing to what the worker wrote: a payload has its id from its uncompressed bytes."""
    bomb = avro(*(spans(1 + 10 * i) for i in range(5)), avro(bytes(3000)), codec="deflate", sync_interval=100)
    write(tmp_path / "in" / "a.avro", bomb)
    lake = tmp_path / "lake"
    run = [otelmart, "ingest", "--from", f"files:{tmp_path}/in", "--to", f"lake:{lake}", "--runner", "plain"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    assert rows(lake, "select count(distinct span_id), count(*) from traces") == [(10, 10)]
    assert rows(lake, "select distinct receive_time from ingest_ledger") == [(PUBLISHED,)]
