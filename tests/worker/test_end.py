"""How one process of the worker ends: what was pulled by then is committed, however fast more comes."""

import threading
from types import SimpleNamespace
from typing import Any

from pipelines.sinks.lake import Lake
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


def test_messages_that_come_while_it_ends_are_left_to_others(tmp_path: Any) -> None:
    settings = Settings("projects/p/subscriptions/s", f"lake:{tmp_path}", "key", 1 << 20, 10, 1.0, 1 << 20, 10)
    worker = Fed(settings, Lake(tmp_path))
    for size in (11, 12, 13):
        worker._arrivals.put(SimpleNamespace(data=bytes(size)))
    worker._stop.set()
    worker._finish(Known())

    assert worker.committed == [11, 12, 13]
