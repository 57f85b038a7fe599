"""One unit of work: read → decode → route by event date → write parts → ledger, whose rename commits it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pipelines import dead_letters, ledger, replay
from pipelines.allocator import tune_allocator
from pipelines.dead_letters import Letter
from pipelines.decode import decode_groups
from pipelines.decode.refusals import RowKey, without
from pipelines.decode.rules import Rules
from pipelines.payloads import Payload, Signal, Unreadable
from pipelines.sinks import Writing, lake
from pipelines.sources import contents
from pipelines.sources.compression import Limits
from pipelines.sources.contents import Place
from pipelines.units import Unit, is_committed

GROUP_BYTES = 15 << 20  # with one message more, mostly still what decode takes at once


@dataclass(frozen=True, slots=True)
class Job:
    """What every unit of a run has in common. Goes to the workers, so it is picklable and small."""

    lake: Path
    place: Place
    rules: Rules
    limits: Limits


def load_all(units: Sequence[Unit], job: Job) -> None:
    """Commits units one after the other, in this process."""
    tune_allocator()
    for unit in units:
        load_unit(unit, job)


def load_unit(unit: Unit, job: Job) -> None:
    """Commits a unit to the lake; nothing to do if that has happened."""
    if is_committed(job.lake, unit.unit_id):
        return
    sink = lake.Lake(job.lake)
    parts = sink.begin(unit.unit_id)
    entries = ledger.Entries(unit.unit_id, "replay" if unit.letter_ids else "batch")
    try:
        route(_read(unit, job), job.rules, parts, entries)
        parts.publish()
    except BaseException:
        parts.discard()
        raise
    sink.commit(unit.unit_id, entries.table())


def route(
    found: Iterable[Payload | Unreadable],
    rules: Rules,
    writing: Writing,
    entries: ledger.Entries,
    refused: Mapping[RowKey, str] = MappingProxyType({}),
) -> None:
    """Decodes payloads and gives their rows and dead letters to a sink, by table and event date.

    Rows that the sink `refused` before, by their key and with its words, become dead letters.
    """
    for group in _groups(found):
        _load_group(group, rules, writing, entries, refused)


def _read(unit: Unit, job: Job) -> Iterator[Payload | Unreadable]:
    if unit.files:
        yield from contents.payloads(job.place, unit.files, job.limits)
    if unit.letter_ids:
        yield from replay.requests_of(job.lake, frozenset(unit.letter_ids), job.limits)


def _groups(found: Iterable[Payload | Unreadable]) -> Iterator[list[Payload] | Unreadable]:
    """Payloads in groups of one signal, large enough to decode well and small enough to hold."""
    waiting: dict[Signal, list[Payload]] = {}
    waiting_bytes: dict[Signal, int] = {}
    for item in found:
        if isinstance(item, Unreadable):
            yield item
            continue
        waiting.setdefault(item.signal, []).append(item)
        waiting_bytes[item.signal] = waiting_bytes.get(item.signal, 0) + len(item.data)
        if waiting_bytes[item.signal] >= GROUP_BYTES:
            yield waiting.pop(item.signal)
            del waiting_bytes[item.signal]
    yield from waiting.values()


def _load_group(
    group: list[Payload] | Unreadable,
    rules: Rules,
    writing: Writing,
    entries: ledger.Entries,
    refused: Mapping[RowKey, str],
) -> None:
    if isinstance(group, Unreadable):
        letter = dead_letters.of_bytes(group)
        entries.add_unreadable(letter)
        add_letters([letter], writing)
        return
    for payloads, whole in decode_groups(group, rules):
        signal = payloads[0].signal
        decoded = without(refused, payloads, whole, rules) if refused else whole
        for day, rows in lake.by_event_date(decoded.rows, signal):
            writing.add(signal, day, rows)
        entries.add_decoded(payloads, decoded, lake.event_days(decoded.rows, signal))
        add_letters((dead_letters.of_row(payloads[bad.payload_index], bad) for bad in decoded.bad_rows), writing)


def add_letters(letters: Iterable[Letter], writing: Writing) -> None:
    """Gives letters to a sink, by the date they were received."""
    for batch in dead_letters.batches(letters):
        for day, rows in lake.by_event_date(batch, "dead_letters"):
            writing.add("dead_letters", day, rows)
