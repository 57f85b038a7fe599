"""Files that are there whole or not at all, also after a crash: written beside, fsynced, renamed, directory fsynced."""

import os
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TEMPORARY = ".tmp"
FOLDERS_ABOVE = 3  # DIR/<table>/event_date=YYYY-MM-DD


def temporary(path: Path) -> Path:
    """A name beside the final one that no other process or thread uses and no reader looks at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}{TEMPORARY}")


def make(folder: Path) -> None:
    """A folder whose name survives a crash of the machine, and those of the folders above it, which may be new."""
    folder.mkdir(parents=True, exist_ok=True)
    _sync_all([folder, *folder.parents][:FOLDERS_ABOVE])


def publish(written: Mapping[Path, Path], folders_above: int = FOLDERS_ABOVE) -> None:
    """Gives written temporaries their final names, {temporary: name}: all bytes on disk first, then the names.

    A name survives a crash of the machine once its folder and the folders above it, which may be new, are on disk too:
    `folders_above` 1 is enough for one that `make` made.
    """
    folders = {folder for path in written.values() for folder in list(path.parents)[:folders_above]}
    _sync_all(written)
    for half_way, path in written.items():
        os.replace(half_way, path)
    _sync_all(sorted(folders))


def write_bytes(path: Path, data: bytes) -> None:
    half_way = temporary(path)
    half_way.write_bytes(data)
    publish({half_way: path})


def _sync_all(paths: Collection[Path]) -> None:
    if len(paths) == 1:
        _sync(*paths)
    elif paths:
        with ThreadPoolExecutor(max_workers=8) as pool:  # a disk that is asked several things at once answers sooner
            list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
