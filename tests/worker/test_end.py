"""How one process of the worker ends: what was pulled by then is committed, however fast more comes."""

import signal
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.cloud.pubsub_v1.subscriber.futures import Future

from pipelines.sinks.lake import Lake
from pipelines.worker import process
from pipelines.worker.batch import Known
from pipelines.worker.process import Settings, Worker


class Fed(Worker):
    """A worker to which a message comes for each that it commits."""

    def __init__(self, settings: Settings, sink: Any) -> None:
        super().__init__(settings, sink, threading.Event(), lambda done: None)
        self.committed: list[int] = []

    def _commit(self, messages: Any, known: Known) -> None:
        assert len(self.committed) < 100, "it does not end"
        self.committed += [len(message.data) for message in messages]
        for message in messages:
            self._arrivals.put(message)


def ending(lake: Any) -> Fed:
    settings = Settings("projects/p/subscriptions/s", f"lake:{lake}", "key", 1 << 20, 10, 1.0, 1 << 20, 10)
    worker = Fed(settings, Lake(lake))
    worker._stop.set()
    return worker


def test_messages_that_come_while_it_ends_are_left_to_others(tmp_path: Any) -> None:
    worker = ending(tmp_path)
    for size in (11, 12, 13):
        worker._arrivals.put(SimpleNamespace(data=bytes(size)))
    worker._finish(Known())

    assert worker.committed == [11, 12, 13]


def test_acknowledgements_that_pubsub_does_not_confirm_are_said_in_one_line(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of a subscription with exactly-once delivery: 1 confirmed, 1 refused, 50 without an answer."""
    monkeypatch.setattr(process, "ACK_SECONDS", 0.2)
    confirmed, late, *silent = [Future() for _ in range(52)]
    confirmed.set_result(AcknowledgeStatus.SUCCESS)
    late.set_exception(AcknowledgeError(AcknowledgeStatus.INVALID_ACK_ID, "the lease was over"))
    worker = ending(tmp_path)
    worker._acks = [*silent, late, confirmed]
    start = time.monotonic()
    worker._finish(Known())

    assert time.monotonic() - start < 2  # for all of them, not for each
    assert capsys.readouterr().err == (
        "otelmart worker: Pub/Sub did not confirm 51 acknowledgements: their messages come again, and are recognised\n"
    )


def test_a_signal_handled_while_no_message_comes_keeps_no_process_waiting(tmp_path: Any) -> None:
    """On a busy machine a handler may take longer than the wait; the next signal tells that it hangs."""
    told = []

    def handled(number: int, frame: object) -> None:
        told.append(number)
        assert len(told) == 1, "it waits for ever"
        time.sleep(2 * process._LOOK_EVERY_SECONDS)

    before = signal.signal(signal.SIGALRM, handled)
    signal.setitimer(signal.ITIMER_REAL, process._LOOK_EVERY_SECONDS / 2, 5.0)
    try:
        assert ending(tmp_path)._gathered() == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert told == [signal.SIGALRM]
