"""Files that are there whole or not at all, also after a crash: written beside, fsynced, renamed, directory fsynced."""

import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TEMPORARY = ".tmp"
FOLDERS_ABOVE = 3  # DIR/<table>/event_date=YYYY-MM-DD


def temporary(path: Path) -> Path:
    """A name beside the final one that no other process or thread uses and no reader looks at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}{TEMPORARY}")


def publish(written: Mapping[Path, Path]) -> None:
    """Gives written temporaries their final names, {temporary: name}: all bytes on disk first, then the names.

    A name survives a crash of the machine once its folder and the folders above it, which may be new, are on disk too.
    """
    folders = {folder for path in written.values() for folder in list(path.parents)[:FOLDERS_ABOVE]}
    with ThreadPoolExecutor(max_workers=8) as pool:  # a disk that is asked several things at once answers sooner
        list(pool.map(_sync, written))
        for half_way, path in written.items():
            os.replace(half_way, path)
        list(pool.map(_sync, sorted(folders)))


def write_bytes(path: Path, data: bytes) -> None:
    half_way = temporary(path)
    half_way.write_bytes(data)
    publish({half_way: path})


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
