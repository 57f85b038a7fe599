"""Runs otelmart again and again in forked children and kills them with SIGKILL where it is told to.

Reads one JSON request a line, {"args": [...], "kill": [operation, path pattern, "before" or "after", nth]}, or seconds
for "kill", or null; answers each with the child's exit status as os.waitpid gives it. The product has no hooks: what is
patched here are the calls it makes of the operating system, of Parquet and of Cloud Storage.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatch
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from google.cloud.storage import Blob

from pipelines import fill, load, outside_counts, replay_bucket  # noqa: F401 - imported once, before the forks
from pipelines.cli import ingest, main, progress, replay  # noqa: F401
from pipelines.decode import groups, rules  # noqa: F401
from tests.pipeline import small_units  # noqa: F401


def kill_at(operation: str, pattern: str, moment: str, nth: int) -> None:
    """Patches an operation to kill this process at its nth call for a file whose path matches."""
    owner, name = {
        "rename": (os, "replace"),
        "sync": (os, "fsync"),
        "open": (Path, "open"),
        "remove": (Path, "unlink"),
        "make folder": (Path, "mkdir"),
        "write rows": (pq.ParquetWriter, "write_table"),
        "close part": (pq.ParquetWriter, "close"),
        "write": (Path, "write_bytes"),
        "upload": (Blob, "upload_from_filename"),
    }[operation]
    original: Callable[..., Any] = getattr(owner, name)
    calls = count(1)

    def patched(*args: Any, **kwargs: Any) -> Any:
        is_it = fnmatch(path_of(args), pattern) and next(calls) == nth
        if is_it and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if is_it and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, patched)


def path_of(args: tuple[Any, ...]) -> str:
    """Path that a call is about: of a rename the new one, of a descriptor the open file's, of a writer its file's; of
    an upload the object's name."""
    target = args[1] if len(args) > 1 and isinstance(args[0], Path) and isinstance(args[1], Path) else args[0]
    if isinstance(target, int):
        return os.readlink(f"/proc/self/fd/{target}")
    return target.name if isinstance(target, Blob) else str(getattr(target, "where", target))


def run(args: list[str], kill: Any) -> int:
    child = os.fork()
    if child:
        if isinstance(kill, float):
            time.sleep(kill)
            os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the child's life
    if isinstance(kill, list):
        kill_at(*kill)
    main(args)
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        print(run(request["args"], request["kill"]), flush=True)
