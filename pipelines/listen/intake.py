"""Between servers and inbox: exports that wait together are checked and committed together, and answered each."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from pipelines.decode import refused_rows
from pipelines.decode.rules import Rules
from pipelines.errors import refused
from pipelines.listen.exports import Export, Malformed, NotDurable, Overloaded, Receipt
from pipelines.payloads import SIGNALS, Payload, is_json, json_signal, protobuf_signal

Outcome = Receipt | Malformed


class Keep(Protocol):
    """Where exports become durable: an inbox or a topic."""

    def keep(self, requests: Iterable[Export], malformed: Iterable[Export]) -> Collection[Export]:
        """All or none of them, but those returned, which can never be kept. Raises OSError or NotDurable."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    export: Export
    receive_time_us: int
    outcome: asyncio.Future[Receipt]


class Intake:
    """Takes exports from any number of connections. Memory holds at most `held_bytes` of them, uncompressed."""

    def __init__(self, inbox: Keep, rules: Rules, held_bytes: int) -> None:
        self._inbox, self._rules, self._limit_bytes = inbox, rules, held_bytes
        self._held_bytes = 0
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake")

    @contextmanager
    def holding(self, byte_count: int) -> Iterator[Callable[[int], None]]:
        """Reserves memory for a body, and more of it by what is given. Raises Overloaded when it would be too much."""
        held_bytes = 0

        def hold(more_bytes: int) -> None:
            nonlocal held_bytes
            if self._held_bytes + more_bytes > self._limit_bytes:
                raise Overloaded("too many requests at once: send again later")
            self._held_bytes += more_bytes
            held_bytes += more_bytes

        try:
            hold(byte_count)
            yield hold
        finally:
            self._held_bytes -= held_bytes

    async def take(self, export: Export, receive_time_us: int) -> Receipt:
        """Returns when the export is on disk. Raises Malformed, or NotDurable when the disk refuses."""
        entry = _Waiting(export, receive_time_us, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._arrived.set()
        return await asyncio.shield(entry.outcome)

    async def run(self) -> None:
        """Commits what waits, until cancelled: whatever came during one commit makes the next."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            waiting, self._waiting = self._waiting, []
            try:
                outcomes = await loop.run_in_executor(self._thread, self._commit, waiting)
            except OSError as error:
                _answer_all(waiting, NotDurable(str(refused(error))))
            except NotDurable as refusal:
                _answer_all(waiting, refusal)
            else:
                for entry, outcome in zip(waiting, outcomes, strict=True):
                    _answer(entry, outcome)

    def _commit(self, waiting: Sequence[_Waiting]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        for signal in SIGNALS:
            own = [i for i, entry in enumerate(waiting) if entry.export.signal == signal]
            outcomes.update(zip(own, judged([waiting[i] for i in own], self._rules), strict=True))
        too_large = self._inbox.keep(
            [entry.export for i, entry in enumerate(waiting) if isinstance(outcomes[i], Receipt)],
            malformed=[entry.export for i, entry in enumerate(waiting) if isinstance(outcomes[i], Malformed)],
        )
        for i, entry in enumerate(waiting):
            if any(entry.export is export for export in too_large):
                outcomes[i] = Malformed("one of its items is larger than can be kept: make it smaller")
        return [outcomes[i] for i in range(len(waiting))]


def judged(waiting: Sequence[_Waiting], rules: Rules) -> list[Outcome]:
    """What decode will make of exports of one signal: how many rows it must reject, or that they are no request."""
    outcomes: list[Outcome] = [_of_another_kind(entry.export) or Receipt() for entry in waiting]
    readable = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Receipt) and waiting[i].export.data]
    at = 0
    for group, found in refused_rows((_payload(waiting[i]) for i in readable), rules):
        for bad in found:
            i = readable[at + bad.payload_index]
            so_far = outcomes[i]
            if bad.row_ordinal is None:
                outcomes[i] = Malformed(bad.error_text)
            elif isinstance(so_far, Receipt):
                outcomes[i] = Receipt(so_far.rejected_count + 1, so_far.error_text or f"{bad.reason}: {bad.error_text}")
        at += len(group)
    return outcomes


def _of_another_kind(export: Export) -> Malformed | None:
    """Bytes that ingest, which looks at content alone, would read as something else than the client said."""
    data = export.data
    if not data:
        return None
    if is_json(data) != (export.encoding == "json"):
        return Malformed(f"the body is no {export.encoding}, which its content type says it is")
    told = json_signal(data) if export.encoding == "json" else protobuf_signal(data)
    if told not in (None, export.signal):
        return Malformed(f"the body holds {told} and was sent where {export.signal} go")
    return None


def _payload(entry: _Waiting) -> Payload:
    """The export as decode wants it, without its id, which would be hashed for nothing: no row is written here."""
    export = entry.export
    return Payload(export.signal, export.data, export.encoding, "", entry.receive_time_us, "listen")


def _answer(entry: _Waiting, outcome: Outcome) -> None:
    if entry.outcome.done():
        return
    if isinstance(outcome, Receipt):
        entry.outcome.set_result(outcome)
    else:
        entry.outcome.set_exception(outcome)


def _answer_all(waiting: Sequence[_Waiting], refusal: NotDurable) -> None:
    for entry in waiting:
        if not entry.outcome.done():
            entry.outcome.set_exception(refusal)
