"""`files:DIR`, `files:FILE` or `files:GLOB` → payloads, and what in the files is no payload.

A file's receive time is `received_unix_ns` of its line in a `manifest.jsonl` beside it or above it (so that a copy of
the directory gives the same rows), else its modification time.
"""

import glob
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import RunError, UsageError
from pipelines.payloads import Payload, Signal, Unreadable
from pipelines.sources.compression import Limits
from pipelines.sources.framing import Damage, Message, messages, payload

MANIFEST = "manifest.jsonl"
SKIPPED_NAMES = (MANIFEST, "truth.json", "outside_counts.*", ".*", "_*", "*~", "*.tmp", "*.part", "*.partial")
_SETTLED_SECONDS = 0.5  # a file younger than this is looked at twice: someone may still be writing it
_SIGNAL_IN_NAME = re.compile(r"(trace|span|log|metric)s?(?![a-z])", re.IGNORECASE)
_SIGNAL_OF_WORD: dict[str, Signal] = {"trace": "traces", "span": "traces", "log": "logs", "metric": "metrics"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when its loading was planned: its name below the source's root, and what it held."""

    name: str
    byte_count: int
    sha256: str
    receive_time_us: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Files of a source in name order, and the names left out: because of what they are, or still being written."""

    root: Path
    files: list[File]
    skipped: list[str]
    growing: list[str]


def listing(pattern: str) -> Listing:
    """What a source holds now. Raises UsageError if it is not there, RunError if a file cannot be read."""
    root, found = _found(pattern)
    skipped = [path for path in found if any(fnmatch(path.name, name) for name in SKIPPED_NAMES)]
    kept = sorted(set(found) - set(skipped))
    before = {path: _stamp(path) for path in kept}
    youngest_seconds = time.time() - max((stamp[1] for stamp in before.values()), default=0) / 1e9
    time.sleep(min(max(_SETTLED_SECONDS - youngest_seconds, 0), _SETTLED_SECONDS))
    received = _Receipts(root)
    with ThreadPoolExecutor(max_workers=2) as pool:
        files = list(pool.map(partial(_file, root, received), kept))
    growing = [path for path in kept if _stamp(path) != before[path]]
    return Listing(
        root=root,
        files=[file for path, file in zip(kept, files, strict=True) if path not in growing],
        skipped=[str(path.relative_to(root)) for path in skipped],
        growing=[str(path.relative_to(root)) for path in growing],
    )


def payloads(root: Path, file: File, limits: Limits) -> Iterator[Payload | Unreadable]:
    """Requests of a planned file in file order. Raises RunError if the file is gone or shorter than planned."""
    path = root / file.name
    hint = _signal_in(file.name)
    with _opened(path) as opened:
        if os.fstat(opened.fileno()).st_size < file.byte_count:
            raise RunError(f"{path} is shorter than when it was planned: put it back, or run the same command again")
        for found in messages(opened, file.byte_count, limits):
            if isinstance(found, Damage):
                yield _unreadable(path, file, found)
            else:
                yield payload(found.data, file.receive_time_us, _source(file, found), hint)


def _source(file: File, found: Message) -> str:
    return f"{_text(file.name)}@{found.at_byte}" if found.at_byte else _text(file.name)


def _text(name: str) -> str:
    """The name with U+FFFD where its bytes are not UTF-8, which a file's name may be and a column's text may not."""
    return os.fsencode(name).decode(errors="replace")


def _unreadable(path: Path, file: File, damage: Damage) -> Unreadable:
    source = f"{_text(file.name)}@{damage.start_byte}-{damage.end_byte}"
    stretch = partial(_stretch, path, damage.start_byte, damage.end_byte)
    return Unreadable(damage.reason, damage.error_text, stretch, "raw", damage.payload_id, file.receive_time_us, source)


def _stretch(path: Path, start_byte: int, end_byte: int, piece_bytes: int) -> Iterator[bytes]:
    with _opened(path) as file:
        file.seek(start_byte)
        for at in range(start_byte, end_byte, piece_bytes):
            yield file.read(min(piece_bytes, end_byte - at))


def _found(pattern: str) -> tuple[Path, list[Path]]:
    if glob.has_magic(pattern) and not os.path.exists(pattern):
        fixed = Path(pattern.partition(next(c for c in pattern if c in "*?["))[0] + "x").parent
        return fixed, [path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file()]
    path = Path(pattern)
    if path.is_dir():
        return path, [Path(folder) / name for folder, _, names in os.walk(path, onerror=_refuse) for name in names]
    if path.exists():
        return path.parent, [path]
    raise UsageError(f"there is no {path}: give --from files:DIR, files:FILE or files:'GLOB' of files that exist")


def _refuse(error: OSError) -> None:
    raise _refused(error)


def _refused(error: OSError) -> RunError:
    return RunError(f"cannot read {error.filename}: {error.strerror}; make it readable, or choose files with a glob")


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise _refused(error) from error
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is no regular file: choose files with a glob, files:'DIR/*.json'")
    return status.st_size, status.st_mtime_ns


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _refused(error) from error


def _file(root: Path, received: "_Receipts", path: Path) -> File:
    name = str(path.relative_to(root))
    with _opened(path) as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    receive_time_us = received.time_us(path)
    return File(
        name, status.st_size, digest, status.st_mtime_ns // 1000 if receive_time_us is None else receive_time_us
    )


class _Receipts:
    """Receive times that manifests tell, each read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._times_us: dict[Path, dict[str, int]] = {}

    def time_us(self, path: Path) -> int | None:
        folders = [path.parent, *(p for p in path.parent.parents if p.is_relative_to(self._root))]
        for folder in folders:
            if folder not in self._times_us:
                self._times_us[folder] = _manifest(folder / MANIFEST)
            told = self._times_us[folder].get(str(path.relative_to(folder)))
            if told is not None:
                return told
        return None


def _manifest(path: Path) -> dict[str, int]:
    """{file name: receive time in µs} of a manifest; empty when there is none."""
    if not path.exists():
        return {}
    times_us = {}
    with _opened(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                times_us[str(entry["path"])] = _receive_time_us(int(entry["received_unix_ns"]))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                cure = 'want {"path": "...", "received_unix_ns": 0, ...}, or no manifest at all'
                raise UsageError(f"{path} line {number} is no receipt of a file: {cure}") from None
    return times_us


def _receive_time_us(received_unix_ns: int) -> int:
    if not 0 <= received_unix_ns < 1 << 63:
        raise ValueError("no time that a TIMESTAMP can hold")
    return received_unix_ns // 1000


def _signal_in(name: str) -> Signal | None:
    """Signal that the last telling word of a path names: only for requests that hold nothing."""
    words = _SIGNAL_IN_NAME.findall(name)
    return _SIGNAL_OF_WORD[words[-1].lower()] if words else None
