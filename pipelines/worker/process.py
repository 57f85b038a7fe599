"""One process of the worker: streaming pull → batch → commit → ack. `python -m pipelines.worker.process` reads its
settings as one JSON line from stdin, then a line for each batch that another process committed (the payload ids);
writes what it did as JSON lines to stdout; and ends when stdin does.

Messages are acknowledged after the ledger has their batch, never before. Pub/Sub's client extends their leases.
"""

import json
import logging
import os
import queue
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.allocator import tune_allocator
from pipelines.decode.rules import Rules
from pipelines.errors import RunError, refused
from pipelines.payloads import Payload, Unreadable
from pipelines.sinks import Sink
from pipelines.sinks.uris import opened
from pipelines.sources import pubsub
from pipelines.sources.compression import Limits, declared_bytes
from pipelines.worker import batch
from pipelines.worker.report import Done

MAX_OUTSTANDING_MESSAGES = 20_000
LOOK_BACK_DAYS = 7  # Pub/Sub keeps what is not acknowledged for so long
ACK_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.2
UNFOLDED_TIMES = 12  # rows take some five times the unfolded bytes, and gzip makes metrics 33 times smaller


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process is told. A batch ends at `batch_bytes` as sent (compressed), at `UNFOLDED_TIMES` as many unfolded,
    or `batch_seconds` after its first message; at most `outstanding_bytes` as sent are held, further messages stay in
    Pub/Sub. `lease_seconds` after the last sign of life, Pub/Sub gives the messages of this process to another; a whole
    number, or no stream opens."""

    subscription: str
    sink: str
    privacy_key: str
    message_bytes: int
    batch_bytes: int
    batch_seconds: float
    outstanding_bytes: int
    lease_seconds: int


class Worker:
    """Batches from one subscription into one sink, until `stop` is set; then what was pulled is finished first."""

    def __init__(self, settings: Settings, sink: Sink, stop: threading.Event, tell: Callable[[Done], None]) -> None:
        self._settings, self._sink, self._stop, self._tell = settings, sink, stop, tell
        self._rules = Rules.load(settings.privacy_key.encode(errors="surrogateescape"))
        self._limits = Limits(settings.message_bytes)
        # No SimpleQueue: a signal that is handled as its wait ends makes it wait for ever (CPython 3.11).
        self._arrivals: queue.Queue[Any] = queue.Queue()
        self.committed_elsewhere: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self._writer_id = secrets.token_hex(6)
        self._batch_count = 0
        self._acks: list[Any] = []

    def run(self) -> None:
        """Raises RunError when Pub/Sub, the sink or the disk refuse; what was not committed is not acknowledged."""
        from google.cloud.pubsub_v1.types import FlowControl

        self._sink.claim(self._writer_id)
        since = datetime.now(UTC).date() - timedelta(days=LOOK_BACK_DAYS)
        known = batch.Known(self._sink.known_payload_ids(since))
        client = pubsub.subscriber()
        flow = FlowControl(
            max_bytes=self._settings.outstanding_bytes,
            max_messages=MAX_OUTSTANDING_MESSAGES,
            max_duration_per_lease_extension=self._settings.lease_seconds,
        )
        pulling = client.subscribe(self._settings.subscription, callback=self._arrivals.put, flow_control=flow)
        self._tell(Done())
        try:
            while not self._stop.is_set():
                if pulling.done():
                    raise pubsub.refused(pulling.exception(), self._settings.subscription)
                messages = self._gathered()
                self._learn(known)
                if messages:
                    self._commit(messages, known)
            self._finish(known)
        finally:
            # Not the client: a call that waits for an unreachable Pub/Sub would end in a traceback of its thread.
            pulling.cancel()
            with suppress(TimeoutError):
                pulling.exception(timeout=ACK_SECONDS)
            self._sink.close()

    def _learn(self, known: batch.Known) -> None:
        """Adds what other processes have committed by now."""
        for _ in range(self.committed_elsewhere.qsize()):
            known.add(self.committed_elsewhere.get())

    def _finish(self, known: batch.Known) -> None:
        """Commits what has been pulled by now (more would come for ever), and waits until it is acknowledged."""
        left = self._arrivals.qsize()
        while left > 0 and (messages := self._taken(time.monotonic(), [])):
            self._learn(known)
            left -= len(messages)
            self._commit(messages, known)
        deadline = time.monotonic() + ACK_SECONDS
        if open_count := sum(not _is_confirmed(ack, deadline) for ack in self._acks):
            _say(
                f"Pub/Sub did not confirm {open_count} acknowledgements: their messages come again, and are recognised"
            )

    def _gathered(self) -> list[Any]:
        """The messages of the next batch; empty when none has come for a moment."""
        try:
            first = self._arrivals.get(timeout=_LOOK_EVERY_SECONDS)
        except queue.Empty:
            return []
        return self._taken(time.monotonic() + self._settings.batch_seconds, [first])

    def _taken(self, deadline: float, messages: list[Any]) -> list[Any]:
        """Messages as they come, until the batch is full, its time is over or the worker is to stop."""
        filled = sum(map(self._share, messages))
        while filled < 1:
            left = 0.0 if self._stop.is_set() else deadline - time.monotonic()
            try:
                message = (
                    self._arrivals.get(timeout=min(left, _LOOK_EVERY_SECONDS))
                    if left > 0
                    else self._arrivals.get_nowait()
                )
            except queue.Empty:
                if left <= 0:
                    break
                continue
            messages.append(message)
            filled += self._share(message)
        return messages

    def _share(self, message: Any) -> float:
        """Of a batch that one message fills."""
        unfolded_bytes = declared_bytes(message.data, self._limits)
        return max(len(message.data), unfolded_bytes / UNFOLDED_TIMES) / self._settings.batch_bytes

    def _commit(self, messages: Sequence[Any], known: batch.Known) -> None:
        start, start_ns = time.monotonic(), time.time_ns()
        unit_id = f"{self._writer_id}{self._batch_count:08x}"
        self._batch_count += 1
        pulled = Pulled(messages, f"pubsub:{self._settings.subscription}", self._limits)
        done = batch.commit(unit_id, pulled, self._sink, self._rules, known)
        now = time.time()
        self._acks = [message.ack_with_response() for message in messages]
        self._tell(
            Done(
                message_count=len(messages),
                byte_count=done.byte_count,
                copy_count=done.copy_count,
                batch_count=1,
                row_counts=done.row_counts,
                left_out_counts=dict(self._sink.left_out()),
                commit_seconds=time.monotonic() - start,
                delays=[now - message.publish_time.timestamp() for message in messages],
                start_ns=start_ns,
                is_own=done.is_own,
                payload_ids=sorted(done.payload_ids),
            )
        )


@dataclass(frozen=True, slots=True)
class Pulled:
    """Messages as payloads, unfolded as they are asked for, as often as they are asked for."""

    messages: Sequence[Any]
    source: str
    limits: Limits

    def __iter__(self) -> Iterator[Payload | Unreadable]:
        for message in self.messages:
            published_us = int(message.publish_time.timestamp() * 1_000_000)
            yield pubsub.payload_of(message.data, message.attributes, published_us, self.source, self.limits)


def _is_confirmed(ack: Any, deadline: float) -> bool:
    """Of a subscription with exactly-once delivery; any other confirms nothing, and its acknowledgements are done."""
    from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError

    try:
        ack.result(timeout=max(0.0, deadline - time.monotonic()))
    except (AcknowledgeError, TimeoutError):
        return False
    return True


def main() -> None:
    """Exits with 0 when told to stop, with 1 and one line on stderr when something is refused."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor says when to stop
    settings = Settings(**json.loads(sys.stdin.readline()))
    logging.getLogger("google").addHandler(_lines())  # it tells nothing to the root logger
    tune_allocator()
    try:
        worker = Worker(settings, opened(settings.sink), stop, _tell)
        threading.Thread(target=_hear, args=(worker.committed_elsewhere, stop), daemon=True).start()
        worker.run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout at its end
        sys.exit(1)
    except (RunError, OSError) as error:
        _say(str(refused(error) if isinstance(error, OSError) else error))
        sys.exit(1)


def _lines() -> logging.Handler:
    """What a library warns of as one line on stderr, without its traceback."""

    def without_traceback(record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("otelmart worker: %(name)s: %(message)s"))
    handler.addFilter(without_traceback)
    return handler


def _say(text: str) -> None:
    print(f"otelmart worker: {text}", file=sys.stderr)


def _tell(done: Done) -> None:
    sys.stdout.write(json.dumps(asdict(done)) + "\n")
    sys.stdout.flush()


def _hear(committed_elsewhere: queue.SimpleQueue[list[str]], stop: threading.Event) -> None:
    """The supervisor holds the other end of stdin: when it is gone, however it ended, there is no one to work for."""
    try:
        for line in sys.stdin:
            if line.endswith("\n"):  # else the supervisor was killed within it
                committed_elsewhere.put(json.loads(line))
    finally:
        stop.set()


if __name__ == "__main__":
    main()
