"""What the files of any place have in common: how they are known, left out and read.

A file's receive time is `received_unix_ns` of its line in a `manifest.jsonl` beside it or above it (so that a copy of
the directory gives the same rows), else when it was written.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from pipelines.errors import RunError, UsageError
from pipelines.payloads import Payload, Signal, Unreadable
from pipelines.sources import avro
from pipelines.sources.compression import Limits
from pipelines.sources.framing import Damage, messages, payload

MANIFEST = "manifest.jsonl"
SKIPPED_NAMES = (MANIFEST, "truth.json", "outside_counts.*", ".*", "_*", "*~", "*.tmp", "*.part", "*.partial")
_SIGNAL_IN_NAME = re.compile(r"(trace|span|log|metric)s?(?![a-z])", re.IGNORECASE)
_SIGNAL_OF_WORD: dict[str, Signal] = {"trace": "traces", "span": "traces", "log": "logs", "metric": "metrics"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when its loading was planned: its name below the source's root, and what it held.

    `generation` is that of an object in Cloud Storage; it says which bytes to read, not whether they are new.
    """

    name: str
    byte_count: int
    digest: str
    receive_time_us: int
    generation: int = 0


class Place(Protocol):
    """Where the files of a source lie. Goes to the workers, so it is picklable and small."""

    def path(self, name: str) -> str:
        """A file's name as people know it."""

    def content(self, name: str) -> bytes:
        """All of a small file that is not telemetry."""

    def opened(self, file: File) -> BinaryIO:
        """A planned file, seekable. Raises RunError if it is gone or no longer what was planned."""

    def opened_in_turn(self, files: Sequence[File]) -> Iterator[tuple[File, BinaryIO]]:
        """Planned files one after the other, fetched ahead where that takes time; the caller closes them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Files of a source in name order, and the names left out: because of what they are, or still being written."""

    place: Place
    files: list[File]
    skipped: list[str]
    growing: list[str]


def is_skipped(name: str) -> bool:
    """Whether a name says that a file is no telemetry, or not finished."""
    return any(fnmatch(PurePosixPath(name).name, pattern) for pattern in SKIPPED_NAMES)


def payloads(place: Place, files: Sequence[File], limits: Limits) -> Iterator[Payload | Unreadable]:
    """Requests of planned files, in their order. Raises RunError if one is gone or shorter than planned."""
    for file, opened in place.opened_in_turn(files):
        with opened:
            yield from _payloads(place, file, opened, limits)


def _payloads(place: Place, file: File, opened: BinaryIO, limits: Limits) -> Iterator[Payload | Unreadable]:
    hint = _signal_in(file.name)
    for found in requests(opened, file.byte_count, file.receive_time_us, _text(file.name), hint, limits):
        yield _unreadable(place, file, found) if isinstance(found, Damage) else found


def requests(
    opened: BinaryIO, byte_count: int, receive_time_us: int, source: str, hint: Signal | None, limits: Limits
) -> Iterator[Payload | Unreadable | Damage]:
    """What the first `byte_count` bytes of a file hold, in order; `hint` is the signal of a request that tells none."""
    if avro.starts(opened):
        yield from avro.items(opened, byte_count, receive_time_us, source, hint, limits)
        return
    for found in messages(opened, byte_count, limits):
        if isinstance(found, Damage):
            yield found
        else:
            place = f"{source}@{found.at_byte}" if found.at_byte else source
            yield payload(found.data, receive_time_us, place, hint)


def _text(name: str) -> str:
    """The name with U+FFFD where its bytes are not UTF-8, which a file's name may be and a column's text may not."""
    return os.fsencode(name).decode(errors="replace")


def _unreadable(place: Place, file: File, damage: Damage) -> Unreadable:
    source = f"{_text(file.name)}@{damage.start_byte}-{damage.end_byte}"
    stretch = partial(_stretch, place, file, damage.start_byte, damage.end_byte)
    return Unreadable(damage.reason, damage.error_text, stretch, "raw", damage.payload_id, file.receive_time_us, source)


def _stretch(place: Place, file: File, start_byte: int, end_byte: int, piece_bytes: int) -> Iterator[bytes]:
    with place.opened(file) as opened:
        opened.seek(start_byte)
        for at in range(start_byte, end_byte, piece_bytes):
            yield opened.read(min(piece_bytes, end_byte - at))


class Receipts:
    """Receive times that manifests tell, each read once; `manifest` gives the bytes of one by name, None without."""

    def __init__(self, place: Place, manifest: Callable[[str], bytes | None]) -> None:
        self._place, self._manifest = place, manifest
        self._times_us: dict[PurePosixPath, dict[str, int]] = {}

    def time_us(self, name: str) -> int | None:
        """When a file was received, by the nearest manifest that knows it."""
        path = PurePosixPath(name)
        for folder in path.parents:
            if folder not in self._times_us:
                self._times_us[folder] = self._read(folder / MANIFEST)
            told = self._times_us[folder].get(str(path.relative_to(folder)))
            if told is not None:
                return told
        return None

    def _read(self, path: PurePosixPath) -> dict[str, int]:
        content = self._manifest(str(path))
        return {} if content is None else times_us(content.splitlines(), self._place.path(str(path)))


def times_us(lines: Iterable[bytes], path: str) -> dict[str, int]:
    """{file name: receive time in µs} of a manifest."""
    found = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            found[str(entry["path"])] = _receive_time_us(int(entry["received_unix_ns"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            cure = 'want {"path": "...", "received_unix_ns": 0, ...}, or no manifest at all'
            raise UsageError(f"{path} line {number} is no receipt of a file: {cure}") from None
    return found


def _receive_time_us(received_unix_ns: int) -> int:
    if not 0 <= received_unix_ns < 1 << 63:
        raise ValueError("no time that a TIMESTAMP can hold")
    return received_unix_ns // 1000


def _signal_in(name: str) -> Signal | None:
    """Signal that the last telling word of a path names: only for requests that hold nothing."""
    words = _SIGNAL_IN_NAME.findall(name)
    return _SIGNAL_OF_WORD[words[-1].lower()] if words else None


def shorter(path: str) -> RunError:
    """That a file has lost bytes since it was planned."""
    return RunError(f"{path} is shorter than when it was planned: put it back, or run the same command again")
