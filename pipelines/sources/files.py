"""`files:DIR`, `files:FILE` or `files:GLOB`: files on this machine as a source."""

import glob
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import RunError, UsageError
from pipelines.sources.contents import File, Listing, Receipts, is_skipped, shorter

_SETTLED_SECONDS = 0.5  # a file younger than this is looked at twice: someone may still be writing it


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory, with the files below it."""

    root: Path

    def path(self, name: str) -> str:
        return str(self.root / name)

    def content(self, name: str) -> bytes:
        with _opened(self.root / name) as file:
            return file.read()

    def opened(self, file: File) -> BinaryIO:
        opened = _opened(self.root / file.name)
        if os.fstat(opened.fileno()).st_size < file.byte_count:
            opened.close()
            raise shorter(self.path(file.name))
        return opened

    def opened_in_turn(self, files: Sequence[File]) -> Iterator[tuple[File, BinaryIO]]:
        for file in files:
            yield file, self.opened(file)

    def manifest(self, name: str) -> bytes | None:
        return self.content(name) if (self.root / name).exists() else None


def listing(pattern: str) -> Listing:
    """What a source holds now. Raises UsageError if it is not there, RunError if a file cannot be read."""
    root, found = _found(pattern)
    folder = Folder(root)
    skipped = [path for path in found if is_skipped(path.name)]
    kept = sorted(set(found) - set(skipped))
    before = {path: _stamp(path) for path in kept}
    youngest_seconds = time.time() - max((stamp[1] for stamp in before.values()), default=0) / 1e9
    time.sleep(min(max(_SETTLED_SECONDS - youngest_seconds, 0), _SETTLED_SECONDS))
    received = Receipts(folder, folder.manifest)
    with ThreadPoolExecutor(max_workers=2) as pool:
        files = list(pool.map(partial(_file, root, received), kept))
    growing = [path for path in kept if _stamp(path) != before[path]]
    return Listing(
        place=folder,
        files=[file for path, file in zip(kept, files, strict=True) if path not in growing],
        skipped=[str(path.relative_to(root)) for path in skipped],
        growing=[str(path.relative_to(root)) for path in growing],
    )


def _found(pattern: str) -> tuple[Path, list[Path]]:
    if glob.has_magic(pattern) and not os.path.exists(pattern):
        fixed = Path(pattern.partition(next(c for c in pattern if c in "*?["))[0] + "x").parent
        return fixed, [path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file()]
    path = Path(pattern)
    if path.is_dir():
        return path, list(_below(path))
    if path.exists():
        return path.parent, [path]
    raise UsageError(f"there is no {path}: give --from files:DIR, files:FILE or files:'GLOB' of files that exist")


def _below(root: Path) -> Iterator[Path]:
    """Files below a directory, and those behind links to others, each directory once."""
    seen = set()
    for folder, below, names in os.walk(root, followlinks=True, onerror=_refuse):
        below.sort()  # of a directory and a link to it, the same one each time
        place = os.path.realpath(folder)
        if place in seen:
            below.clear()
        else:
            seen.add(place)
            yield from (Path(folder) / name for name in names)


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


def _file(root: Path, received: Receipts, path: Path) -> File:
    name = str(path.relative_to(root))
    with _opened(path) as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    receive_time_us = received.time_us(name)
    return File(
        name, status.st_size, digest, status.st_mtime_ns // 1000 if receive_time_us is None else receive_time_us
    )
