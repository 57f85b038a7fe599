"""One batch of the worker, into a lake: what is new is committed once, copies are left out, nothing else is touched."""

import os
from datetime import date
from pathlib import Path

import deflate
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import dead_letters, durable
from pipelines.decode.rules import Rules
from pipelines.errors import UsageError
from pipelines.payloads import Payload, Unreadable, payload_id
from pipelines.sinks.lake import Lake
from pipelines.sinks.uris import opened
from pipelines.sources.compression import Limits
from pipelines.sources.pubsub import payload_of, subscription_of
from pipelines.worker.batch import Known, commit
from tests.pipeline.telemetry import as_json, logs, points, rows, spans

RECEIVED_US = 1_795_000_000_000_000
TRACES = {"ce-type": "org.opentelemetry.otlp.traces.v1"}


def message(data: bytes, limits: Limits | None = None, **attributes: str) -> Payload | Unreadable:
    return payload_of(data, attributes, RECEIVED_US, "pubsub:test", limits or Limits())


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules.load(b"key")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("data", "signal", "encoding"),
    [
        (spans(1), "traces", "protobuf"),
        (logs(1), "logs", "protobuf"),
        (points(1), "metrics", "protobuf"),
        (as_json(spans(1)), "traces", "json"),
    ],
)
def test_a_message_is_told_by_its_bytes(data: bytes, signal: str, encoding: str, compressed: bool) -> None:
    found = message(bytes(deflate.gzip_compress(data, 1)) if compressed else data)
    assert isinstance(found, Payload)
    assert (found.signal, found.encoding, found.data) == (signal, encoding, data)
    assert found.payload_id == payload_id(data)


def test_ce_type_tells_the_signal_of_a_request_that_holds_nothing() -> None:
    assert isinstance(message(b""), Unreadable)
    found = payload_of(b"", TRACES, RECEIVED_US, "pubsub:test", Limits())
    assert isinstance(found, Payload)
    assert found.signal == "traces"


def test_the_identity_is_that_of_the_uncompressed_bytes() -> None:
    packed = [bytes(deflate.gzip_compress(spans(1), level)) for level in (1, 9)]
    assert {message(data).payload_id for data in (*packed, spans(1))} == {payload_id(spans(1))}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(deflate.gzip_compress(spans(1), 1))[:-9], "truncated_file"),
        (b"\x1f\x8b\x08" + b"\xff" * 40, "bad_compression"),
        (bytes(deflate.gzip_compress(bytes(2000), 1)), "decompressed_too_large"),
        (spans(1, 100), "message_too_large"),
        (b"hello", "unknown_signal"),
    ],
)
def test_what_cannot_be_read_keeps_its_bytes_its_attributes_and_a_reason(data: bytes, reason: str) -> None:
    found = message(data, Limits(message_bytes=1000), team="shop")
    assert isinstance(found, Unreadable)
    assert found.reason == reason
    assert b"".join(found.pieces(7)) == data
    [letter] = pa.Table.from_batches(dead_letters.batches([dead_letters.of_bytes(found)])).to_pylist()
    assert letter["attributes"] == [{"key": "team", "value": "shop"}]
    assert letter["publish_time"] == letter["ingest_time"]


def test_a_batch_commits_rows_letters_and_ledger_once(tmp_path: Path, rules: Rules) -> None:
    sink, known = Lake(tmp_path), Known()
    found = [
        message(spans(1, 3)),
        message(spans(1, 3)),
        message(logs(1, 2)),
        payload_of(b"\x0a\xff", TRACES, RECEIVED_US, "pubsub:test", Limits()),
    ]
    done = commit("a" * 20, found, sink, rules, known)
    again = commit("b" * 20, found, sink, rules, known)

    assert (done.copy_count, done.row_counts) == (1, {"traces": 3, "logs": 2, "dead_letters": 1})
    assert (again.copy_count, again.row_counts) == (4, {})
    assert rows(tmp_path, "select count(*) from traces") == [(3,)]
    assert rows(tmp_path, "select reason from dead_letters") == [("bad_protobuf",)]
    assert [path.stem for path in (tmp_path / "ingest_ledger").iterdir()] == ["a" * 20]


def test_a_new_process_knows_what_the_ledger_has(tmp_path: Path, rules: Rules) -> None:
    first = Lake(tmp_path)
    commit("a" * 20, [message(spans(1))], first, rules, Known())
    known = Known(Lake(tmp_path).known_payload_ids(date(2000, 1, 1)))
    assert payload_id(spans(1)) in known
    assert payload_id(spans(2)) not in known
    assert set(Lake(tmp_path).known_payload_ids(date(9000, 1, 1))) == set()


def test_what_the_ledger_has_is_known_with_the_latest_last(tmp_path: Path, rules: Rules) -> None:
    for second, unit_id in enumerate("cab"):
        commit(unit_id * 20, [message(spans(second))], Lake(tmp_path), rules, Known())
        os.utime(tmp_path / "ingest_ledger" / f"{unit_id * 20}.parquet", (10**9 + second,) * 2)

    known = list(Lake(tmp_path).known_payload_ids(date(2000, 1, 1)))
    assert known == [payload_id(spans(second)) for second in range(3)]


def test_a_full_disk_leaves_nothing_of_the_batch(tmp_path: Path, rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(written: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "publish", full)  # a mock: no disk of this machine can be filled on purpose
    with pytest.raises(OSError, match="No space"):
        commit("a" * 20, [message(spans(1))], Lake(tmp_path), rules, Known())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_recovery_removes_what_a_dead_writer_left_and_nothing_else(tmp_path: Path, rules: Rules) -> None:
    dead, alive = Lake(tmp_path), Lake(tmp_path)
    dead.claim("d" * 12)
    alive.claim("e" * 12)
    commit("d" * 12 + "00000000", [message(spans(1))], dead, rules, Known())
    commit("d" * 12 + "00000001", [message(spans(11))], dead, rules, Known())
    commit("e" * 12 + "00000000", [message(spans(21))], alive, rules, Known())
    for unit in ("d" * 12 + "00000001", "e" * 12 + "00000000"):
        (tmp_path / "ingest_ledger" / f"{unit}.parquet").unlink()  # as after a kill between rows and ledger
    (tmp_path / "traces" / "event_date=2026-11-16" / f".{'d' * 12}00000002.parquet.1-1.tmp").touch()
    dead._claim.close()  # what the end of a process does
    Lake(tmp_path).recover()

    left = sorted(path.stem for path in tmp_path.rglob("*.parquet") if path.parent.name != "ingest_ledger")
    assert left == ["d" * 12 + "00000000", "e" * 12 + "00000000"]
    assert list(tmp_path.rglob("*.tmp")) == []
    assert [path.name for path in (tmp_path / "_plans" / "writers").iterdir()] == ["e" * 12]
    alive.close()


def test_bytes_depend_on_the_messages_alone(tmp_path: Path, rules: Rules) -> None:
    for folder in ("one", "two"):
        commit("a" * 20, [message(spans(1, 50)), message(logs(1))], Lake(tmp_path / folder), rules, Known())
    tables = [
        {
            path.relative_to(tmp_path / folder): pq.read_table(path, partitioning=None)
            for path in (tmp_path / folder).rglob("*.parquet")
        }
        for folder in ("one", "two")
    ]
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    "place", ["x", "projects/p/topics/t", "projects//subscriptions/s", "projects/p/subscriptions/a b"]
)
def test_what_is_no_subscription_is_said(place: str) -> None:
    with pytest.raises(UsageError, match="write pubsub:projects/PROJECT/subscriptions/NAME"):
        subscription_of(place)


def test_what_is_no_sink_is_said() -> None:
    with pytest.raises(UsageError, match="write lake:DIR"):
        opened("s3:bucket")
