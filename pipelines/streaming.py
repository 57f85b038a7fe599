"""The unbounded graph: Read messages → Key messages → Gather batches → Commit batches. For Dataflow, which alone reads
Pub/Sub for Beam's Python.

Bytes travel, in coders that every runner knows, once over the network: a message in Pub/Sub's own encoding, and lists
of those. Dataflow acknowledges a message when it holds it durably itself, before it is committed; a batch that cannot
be committed raises and is tried again. No step knows what others committed: copies are written, and staging removes
them.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
from apache_beam.coders import BytesCoder, VarIntCoder
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from google.pubsub_v1 import types

from pipelines.allocator import tune_allocator
from pipelines.decode.rules import Rules
from pipelines.errors import RunError
from pipelines.payloads import Payload, Unreadable
from pipelines.secret import secret
from pipelines.sinks.uris import opened
from pipelines.sources.compression import Limits
from pipelines.sources.pubsub import payload_of
from pipelines.worker import batch

NAMESPACE: Final = "otelmart"
_log = logging.getLogger(__name__)
_Wire = types.PubsubMessage.pb()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the steps are told. Stands in the job graph, so `privacy_key` says where the key is, never what it is.

    Messages spread over `shard_count` keys by their bytes. A batch of a key ends before `batch_bytes` as sent would be
    exceeded (a larger message is a batch of its own), or `batch_seconds` after its first message.
    """

    subscription: str
    sink: str
    privacy_key: str
    shard_count: int
    batch_bytes: int
    batch_seconds: float
    message_bytes: int


def stream(pipeline: beam.Pipeline, settings: Settings) -> None:
    """Adds the whole graph to a pipeline."""
    messages = pipeline | "Read messages" >> ReadFromPubSub(subscription=settings.subscription, with_attributes=True)
    _ = messages | CommitMessages(settings)


class CommitMessages(beam.PTransform[Any, Any]):
    """PubsubMessages → rows, dead letters, ledger entries. An update of a running job needs steps of the same names."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("Commit messages")
        self._settings = settings

    def expand(self, messages: PCollection[PubsubMessage]) -> Any:
        settings = self._settings
        return (
            messages
            | "Key messages" >> _step(KeyMessages(settings.shard_count), tuple[int, bytes])
            | "Gather batches"
            >> _step(GatherBatches(settings.batch_bytes, settings.batch_seconds), tuple[int, Iterable[bytes]])
            | "Commit batches" >> _step(CommitBatches(settings), int)
        )


def _step(function: beam.DoFn, output: Any) -> Any:
    """A step whose output has a coder of its own: Beam pickles what it knows no type of."""
    return beam.ParDo(function).with_output_types(output)  # type: ignore[no-untyped-call]


class KeyMessages(beam.DoFn):
    """(shard, message): the bytes decide, so copies of a message meet in one shard, and in one batch count once."""

    def __init__(self, shard_count: int) -> None:
        self._shard_count = shard_count

    def process(self, message: PubsubMessage, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[tuple[int, bytes]]:
        packed = _Wire(data=message.data or b"", attributes=message.attributes or {})
        published = message.publish_time  # else the runner's time of a message, which is when it was published
        packed.publish_time.FromMicroseconds(round(published.timestamp() * 1e6) if published else timestamp.micros)
        digest = hashlib.sha256(packed.data).digest()
        shard: int = int.from_bytes(digest[:4], "big") % self._shard_count
        yield shard, packed.SerializeToString(deterministic=True)


MESSAGES: Final = BagStateSpec("messages", BytesCoder())
HELD_BYTES: Final = ReadModifyWriteStateSpec("held_bytes", VarIntCoder())
DUE: Final = TimerSpec("due", TimeDomain.REAL_TIME)
END: Final = TimerSpec("end", TimeDomain.WATERMARK)  # a drain, or the end of a bounded source
_MESSAGES, _HELD_BYTES = beam.DoFn.StateParam(MESSAGES), beam.DoFn.StateParam(HELD_BYTES)
_DUE, _END = beam.DoFn.TimerParam(DUE), beam.DoFn.TimerParam(END)


class GatherBatches(beam.DoFn):
    """Messages of a shard, held until they fill a batch or its time is over. Beam's GroupIntoBatches counts messages,
    and those are from some bytes to 10 MB large."""

    def __init__(self, batch_bytes: int, batch_seconds: float) -> None:
        self._batch_bytes, self._batch_seconds = batch_bytes, batch_seconds

    def process(
        self,
        keyed: tuple[int, bytes],
        window: Any = beam.DoFn.WindowParam,
        messages: Any = _MESSAGES,
        held_bytes: Any = _HELD_BYTES,
        due: Any = _DUE,
        end: Any = _END,
    ) -> Iterator[tuple[int, list[bytes]]]:
        shard, message = keyed
        held = held_bytes.read() or 0
        if held and held + len(message) > self._batch_bytes:
            yield from _batch(shard, messages, held_bytes)
            held = 0
        if not held:
            due.set(time.time() + self._batch_seconds)
            end.set(window.end)
        messages.add(message)
        held_bytes.write(held + len(message))

    @on_timer(DUE)
    def on_due(
        self,
        shard: Any = beam.DoFn.KeyParam,
        messages: Any = _MESSAGES,
        held_bytes: Any = _HELD_BYTES,
    ) -> Iterator[tuple[int, list[bytes]]]:
        return _batch(shard, messages, held_bytes)

    @on_timer(END)
    def on_end(
        self,
        shard: Any = beam.DoFn.KeyParam,
        messages: Any = _MESSAGES,
        held_bytes: Any = _HELD_BYTES,
    ) -> Iterator[tuple[int, list[bytes]]]:
        return _batch(shard, messages, held_bytes)


def _batch(shard: int, messages: Any, held_bytes: Any) -> Iterator[tuple[int, list[bytes]]]:
    """What a shard holds, if anything, which it then forgets. The next first message sets the timer anew; clearing it
    here besides is for nothing, and keeps a job on Prism from ending."""
    if gathered := list(messages.read()):
        yield shard, gathered
    messages.clear()
    held_bytes.clear()


class CommitBatches(beam.DoFn):
    """Read → decode → write → ledger, of one batch: see worker/batch.py. Yields nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def setup(self) -> None:
        tune_allocator()
        self._sink = opened(self._settings.sink)
        self._rules = Rules.load(secret(self._settings.privacy_key))
        self._limits = Limits(self._settings.message_bytes)

    def process(self, keyed: tuple[int, Iterable[bytes]]) -> None:
        """Raises RunError or OSError: the runner tries the batch again."""
        messages = list(keyed[1])
        started = time.monotonic()
        gathered = Gathered(messages, f"pubsub:{self._settings.subscription}", self._limits)
        try:
            done = batch.commit(unit_id(messages), gathered, self._sink, self._rules, batch.Known(), "dataflow")
        except (RunError, OSError) as error:
            _log.error("batch is tried again: %s", error)
            raise
        _count(len(messages), done, time.monotonic() - started)

    def teardown(self) -> None:
        self._sink.close()


def unit_id(messages: Sequence[bytes]) -> str:
    """Identity of a batch, 32 hex digits, by what is in it and not by its order: tried again, it is the same unit.

    Of messages as sent, not of payloads: those are known only when unfolded. The publish time is in it, so that what a
    client published twice is two units, and the dates of both count as changed.
    """
    digests = sorted(hashlib.sha256(message).digest() for message in messages)
    return hashlib.sha256(b"".join(digests)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Messages as payloads, unfolded as they are asked for, as often as they are asked for."""

    messages: Sequence[bytes]
    source: str
    limits: Limits

    def __iter__(self) -> Iterator[Payload | Unreadable]:
        for packed in self.messages:
            message = _Wire.FromString(packed)
            published_us = message.publish_time.ToMicroseconds()
            yield payload_of(message.data, message.attributes, published_us, self.source, self.limits)


def _count(message_count: int, done: batch.Batch, commit_seconds: float) -> None:
    """What Dataflow shows of a job, and Cloud Monitoring as dataflow.googleapis.com/job/user_counter."""
    counts = {"messages": message_count, "bytes": done.byte_count, "copies": done.copy_count, "batches": 1}
    rows = {f"rows_{table}": count for table, count in done.row_counts.items()}
    for name, count in (counts | rows).items():
        Metrics.counter(NAMESPACE, name).inc(count)  # type: ignore[no-untyped-call]
    Metrics.distribution(NAMESPACE, "commit_ms").update(round(commit_seconds * 1000))  # type: ignore[no-untyped-call]
