"""Files that are there whole or not at all, also after a crash: written beside, fsynced, renamed, directory fsynced."""

import os
import threading
from pathlib import Path

TEMPORARY = ".tmp"


def temporary(path: Path) -> Path:
    """A name beside the final one that no other process or thread uses and no reader looks at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}{TEMPORARY}")


def publish(half_way: Path, path: Path) -> None:
    """Gives a written temporary its final name. The name is durable after `sync_folder`."""
    with half_way.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(half_way, path)


def sync_folder(folder: Path) -> None:
    """Makes new names in a folder, and its own in its parent, survive a crash of the machine."""
    for each in (folder, folder.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    half_way = temporary(path)
    half_way.write_bytes(data)
    publish(half_way, path)
    sync_folder(path.parent)
