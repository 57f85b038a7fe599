"""The steps that follow Read messages, on Beam's local runner, into a stand-in of the Storage Write API over real gRPC.

Reading Pub/Sub itself runs on Dataflow only.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apache_beam as beam
import grpc
import pyarrow as pa
import pytest
from apache_beam.coders import BytesCoder, TupleCoder, VarIntCoder
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream as Scripted
from apache_beam.testing.util import assert_that, equal_to

from pipelines.decode.rules import Rules
from pipelines.sinks.bigquery import WRITTEN
from pipelines.sinks.storage_write import HOST_VARIABLE
from pipelines.sinks.uris import opened
from pipelines.sources.compression import Limits
from pipelines.streaming import CommitMessages, GatherBatches, Gathered, KeyMessages, Settings, unit_id
from pipelines.worker.batch import Known, commit
from pipelines.worker.process import Pulled
from tests.dataflow.messages import PUBLISHED, SUBSCRIPTION, message, nth, settings, telemetry
from tests.pipeline.telemetry import rows, spans, tree
from tests.sinks.storage_service import Fault, StorageService, served

STREAMS = ["pending", "default"]
BY_UNIT = {"unit_id", "commit_time", "engine"}  # all else in the ledger is that of the worker
LOCAL = ("--runner=FnApiRunner",)


@contextmanager
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageService]:
    made = StorageService()
    with served(made) as host:
        monkeypatch.setenv(HOST_VARIABLE, host)
        yield made


def run(messages: Sequence[PubsubMessage], job: Settings, runner: Sequence[str] = LOCAL) -> None:
    with beam.Pipeline(options=PipelineOptions([*runner])) as pipeline:
        _ = pipeline | "Create" >> beam.Create(messages) | CommitMessages(job)


def by_worker(messages: Sequence[PubsubMessage], sink: str) -> None:
    pulled = Pulled(messages, f"pubsub:{SUBSCRIPTION}", Limits())
    commit("a" * 20, pulled, opened(sink), Rules.load(b"key"), Known())


def packed(messages: Sequence[PubsubMessage]) -> list[bytes]:
    return [bytes_ for each in messages for _, bytes_ in KeyMessages(1).process(each)]


def told(rows: pa.Table, without: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    """The rows of a table as text, in an order of their own."""
    return sorted(map(repr, rows.select([name for name in rows.column_names if name not in without]).to_pylist()))


@pytest.mark.parametrize("stream", STREAMS)
def test_rows_letters_and_ledger_are_those_of_the_worker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stream: str
) -> None:
    sink = f"bigquery:shop.observability?stream={stream}"
    with service(monkeypatch) as worker:
        by_worker(telemetry(), sink)
    with service(monkeypatch) as dataflow:
        run(telemetry(), settings(tmp_path, sink))

    # 4 + 5 + 5 spans; the copy counts once, since it meets the first in its shard
    assert [worker.rows(table).num_rows for table in WRITTEN[:4]] == [14, 5, 5, 3]
    for table in WRITTEN:
        assert told(dataflow.rows(table), BY_UNIT) == told(worker.rows(table), BY_UNIT)
    assert set(dataflow.rows("ingest_ledger")["engine"].to_pylist()) == {"dataflow"}
    assert 1 < len(set(dataflow.rows("ingest_ledger")["unit_id"].to_pylist())) <= 4


@pytest.mark.parametrize(("stream", "method"), [("pending", "create_write_stream"), ("default", "append_rows")])
def test_a_bundle_that_failed_before_its_ledger_loses_nothing_when_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stream: str, method: str
) -> None:
    sink = f"bigquery:shop.observability?stream={stream}"
    job = settings(tmp_path, sink, shard_count=1)
    with service(monkeypatch) as worker:
        by_worker(telemetry(), sink)
    with service(monkeypatch) as dataflow:
        last = worker.calls[method]  # the ledger's, which comes after all tables
        dataflow.faults = nth(last, method, Fault(grpc.StatusCode.PERMISSION_DENIED))
        with pytest.raises(Exception, match="ingest_ledger: PermissionDenied"):
            run(telemetry(), job)
        assert dataflow.rows("ingest_ledger").num_rows == 0
        assert dataflow.rows("traces").num_rows == 14
        run(telemetry(), job)

    assert told(dataflow.rows("ingest_ledger"), BY_UNIT) == told(worker.rows("ingest_ledger"), BY_UNIT)
    for table in WRITTEN[:4]:  # each row twice, the same in every column: what staging takes for one
        assert told(dataflow.rows(table)) == sorted(told(worker.rows(table)) * 2)


@pytest.mark.parametrize(("stream", "method"), [("pending", "create_write_stream"), ("default", "append_rows")])
def test_a_bundle_that_is_refused_at_its_first_table_writes_nothing_and_raises(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stream: str, method: str
) -> None:
    job = settings(tmp_path, f"bigquery:shop.observability?stream={stream}", shard_count=1)
    with service(monkeypatch) as dataflow:
        dataflow.faults = nth(1, method, Fault(grpc.StatusCode.PERMISSION_DENIED))
        with pytest.raises(Exception, match=r"PermissionDenied: .*: grant roles/bigquery.dataEditor"):
            run(telemetry(), job)
        assert [dataflow.rows(table).num_rows for table in WRITTEN] == [0] * 5


def test_a_row_that_bigquery_refuses_becomes_a_dead_letter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with service(monkeypatch) as dataflow:
        dataflow.refused_text = "line 3"
        run(telemetry(), settings(tmp_path))
    assert dataflow.rows("logs").num_rows == 4
    assert dataflow.rows("dead_letters")["reason"].to_pylist().count("refused_by_table") == 1


def test_a_batch_tried_again_is_the_same_unit_whatever_its_order(tmp_path: Path) -> None:
    first, again = packed(telemetry()), packed(telemetry()[::-1])
    assert unit_id(first) == unit_id(again)
    assert unit_id(first) != unit_id(first[1:])
    later = message(spans(1), second=1)  # the same bytes, published again
    assert unit_id(packed([later])) != unit_id(packed([message(spans(1))]))

    for _ in range(2):  # into a lake, where the name of a unit is that of its files: nothing is there twice
        run(telemetry(), settings(tmp_path, f"lake:{tmp_path}/lake"))
        assert rows(tmp_path / "lake", "select count(*), count(distinct payload_id) from traces") == [(14, 3)]
    assert len(tree(tmp_path / "lake")) > 0


def test_a_message_keeps_its_bytes_attributes_and_publish_time() -> None:
    (found,) = Gathered(packed([message(spans(1), 1, tenant="a")]), "pubsub:x", Limits())
    (pulled,) = Pulled([message(spans(1), 1, tenant="a")], "pubsub:x", Limits())
    assert found == pulled
    assert found.receive_time_us == round(PUBLISHED.timestamp() * 1e6) + 1_000_000


def test_a_message_without_publish_time_has_the_runners_time_of_it() -> None:
    bare = PubsubMessage(spans(1), {})
    ((_, bytes_),) = KeyMessages(1).process(bare, beam.utils.timestamp.Timestamp(micros=1_795_000_000_000_000))
    (found,) = Gathered([bytes_], "pubsub:x", Limits())
    assert found.receive_time_us == 1_795_000_000_000_000


def test_copies_meet_in_one_shard_and_the_others_spread() -> None:
    shards = [shard for first in range(400) for shard, _ in KeyMessages(4).process(message(spans(first)))]
    assert {shard for shard, _ in KeyMessages(4).process(message(spans(7), second=9))} == {shards[7]}
    assert all(60 < shards.count(shard) < 140 for shard in range(4))  # 100 each, give or take four deviations


def test_batches_keep_their_bytes_and_lose_no_message() -> None:
    sizes = [1, 400, 599, 600, 1, 1000, 5000, 2, 3, 998]
    keyed = [(0, bytes([i]) * size) for i, size in enumerate(sizes)]

    def bounded(batches: list[Any]) -> None:
        found = [list(batch) for _, batch in batches]
        assert all(len(batch) == 1 or sum(map(len, batch)) <= 1000 for batch in found), found
        assert sorted(each for batch in found for each in batch) == sorted(bytes_ for _, bytes_ in keyed)
        assert 6 <= len(found) < len(sizes)  # 12604 bytes - 5000 in one, the rest in at least five

    with beam.Pipeline(options=PipelineOptions([*LOCAL])) as pipeline:
        batches = (
            pipeline | beam.Create(keyed).with_output_types(tuple[int, bytes]) | beam.ParDo(GatherBatches(1000, 60.0))
        )
        assert_that(batches, bounded)


def test_a_batch_that_stays_small_is_over_when_its_time_is() -> None:
    """On the one runner whose clock a test can set; it starts at 0, and timers stand at the time of day and later."""
    coder = TupleCoder((VarIntCoder(), BytesCoder()))
    stream = Scripted(coder).add_elements([(0, b"a"), (0, b"b")]).advance_processing_time(4e9)
    stream = stream.add_elements([(0, b"c")]).advance_watermark_to_infinity()
    options = PipelineOptions(["--runner=BundleBasedDirectRunner", "--streaming"])
    with beam.Pipeline(options=options) as pipeline:
        keyed = pipeline | stream | beam.Map(tuple).with_output_types(tuple[int, bytes])
        batches = keyed | beam.ParDo(GatherBatches(1000, 60.0)) | beam.MapTuple(lambda _, batch: sorted(batch))
        assert_that(batches, equal_to([[b"a", b"b"], [b"c"]]))


@pytest.mark.stack
def test_prism_commits_what_the_local_runner_does(repo: Path, tmp_path: Path) -> None:
    prism = ["--runner=PrismRunner", f"--prism_location={repo / '.otelmart' / 'prism' / 'prism'}"]
    run(telemetry(), settings(tmp_path, f"lake:{tmp_path}/prism", batch_seconds=2.0), prism)
    run(telemetry(), settings(tmp_path, f"lake:{tmp_path}/local"))
    for table in WRITTEN:
        columns = "* exclude (unit_id)" if table == "ingest_ledger" else "*"
        written = [
            sorted(map(repr, rows(tmp_path / lake, f"select {columns} from {table}"))) for lake in ("prism", "local")
        ]
        assert written[0] == written[1] != []
