"""Dead letters read again: which of them would become rows now, and the requests they hold."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pipelines import dead_letters
from pipelines.dead_letters import Letter
from pipelines.decode import decode
from pipelines.decode.rules import Rules
from pipelines.payloads import SIGNALS, Encoding, Payload, Signal, Unreadable
from pipelines.sinks.lake import payload_ids
from pipelines.sources.compression import Limits
from pipelines.sources.contents import requests
from pipelines.sources.framing import Damage

_GROUP_LETTERS = 1000
_GROUP_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Prospects:
    """Letters that can be put back now, and how many, by reason, still cannot."""

    letter_ids: list[str]
    failed: dict[str, int]


def prospects(
    lake: Path, done: Collection[str], rules: Rules, limits: Limits, reason: str | None, signal: str | None
) -> Prospects:
    """Tries every letter of that reason and signal (None is any) that is not done yet. Writes nothing."""

    def is_wanted(letter_id: str, its_reason: str, its_signal: str) -> bool:
        return letter_id not in done and reason in (None, its_reason) and signal in (None, its_signal)

    known = _known_payload_ids(lake)
    found: list[str] = []
    failed: Counter[str] = Counter()
    group: list[tuple[Letter, Payload]] = []
    for letter in dead_letters.read(lake, is_wanted):
        request = _single(letter)
        if request:
            group.append((letter, request))
            if len(group) == _GROUP_LETTERS or sum(len(p.data) for _, p in group) > _GROUP_BYTES:
                _try(group, rules, found, failed)
                group = []
        elif _is_readable_file(letter, limits, known):
            found.append(letter.dead_letter_id)
        else:
            failed[letter.reason] += 1
    _try(group, rules, found, failed)
    return Prospects(found, dict(sorted(failed.items())))


def requests_of(lake: Path, letter_ids: Collection[str], limits: Limits) -> Iterator[Payload | Unreadable]:
    """The requests of some letters, each as it first came: same payload id, ordinal and receive time."""
    for _, held in by_letter(lake, letter_ids, limits):
        yield from held


def by_letter(
    lake: Path, letter_ids: Collection[str], limits: Limits
) -> Iterator[tuple[Letter, Iterable[Payload | Unreadable]]]:
    """(letter, its requests) of some letters; a letter can be read until the next one is asked for."""
    known = _known_payload_ids(lake)
    for letter in dead_letters.read(lake, lambda letter_id, reason, signal: letter_id in letter_ids):
        request = _single(letter)
        yield letter, [request] if request else _in_file(letter, limits, known)


def _single(letter: Letter) -> Payload | None:
    """The one request that a letter of a row or of a whole message holds; None for a stretch of a file."""
    if letter.encoding == "raw" or letter.signal not in SIGNALS:
        return None
    data = letter.data()
    return Payload(
        signal=cast(Signal, letter.signal),
        data=data,
        encoding=cast(Encoding, letter.encoding),
        payload_id=letter.payload_id or letter.content_id,
        receive_time_us=letter.receive_time_us,
        source=letter.source,
        attributes=letter.attributes,
        first_row_ordinal=letter.row_ordinal or 0,
        attempt=letter.attempt,
        is_published=letter.is_published,
    )


def _in_file(letter: Letter, limits: Limits, known: Collection[str]) -> Iterator[Payload | Unreadable]:
    """Requests in a stretch of a file, without those that were read when the file was."""
    with letter.opened() as file:
        for found in requests(file, letter.byte_count, letter.receive_time_us, letter.source, None, limits):
            if isinstance(found, Damage):
                yield _still_unreadable(letter, found)
            elif found.payload_id not in known or found.payload_id == letter.payload_id:
                yield replace(
                    found,
                    source=letter.source,
                    attempt=letter.attempt,
                    attributes=letter.attributes,
                    is_published=letter.is_published,
                )


def _still_unreadable(letter: Letter, damage: Damage) -> Unreadable:
    return Unreadable(
        damage.reason, damage.error_text, letter.pieces, "raw", None, letter.receive_time_us, letter.source
    )


def _is_readable_file(letter: Letter, limits: Limits, known: Collection[str]) -> bool:
    found = list(map(type, _in_file(letter, limits, known)))
    return Payload in found and Unreadable not in found


def _try(group: list[tuple[Letter, Payload]], rules: Rules, found: list[str], failed: Counter[str]) -> None:
    """Decodes requests; a letter of a row must give its row, one of a message needs to be a message at all."""
    for signal in SIGNALS:
        letters = [(letter, request) for letter, request in group if request.signal == signal]
        bad_rows = decode([request for _, request in letters], rules).bad_rows if letters else []
        bad = {b.payload_index for b in bad_rows if b.row_ordinal is None or letters[b.payload_index][0].is_row}
        for index, (letter, _) in enumerate(letters):
            if index in bad:
                failed[letter.reason] += 1
            else:
                found.append(letter.dead_letter_id)


def _known_payload_ids(lake: Path) -> set[str]:
    """Payloads that the ledger accounts for."""
    return {identity for path in (lake / "ingest_ledger").glob("*.parquet") for identity in payload_ids(path)}
