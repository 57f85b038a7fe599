"""The inbox: exports on disk before they are answered, as files that `files:` reads; removed once the lake has them."""

import fcntl
import os
import time
from collections.abc import Collection, Iterable
from itertools import count
from pathlib import Path

from pipelines import durable
from pipelines.errors import RunError
from pipelines.listen.exports import Export
from pipelines.payloads import SIGNALS, Signal
from pipelines.sources.framing import starts_message

_LENGTH_BYTES = 4


class Inbox:
    """A directory with one file per commit and signal: messages with their length before them, in order of arrival,
    compressed where they came so."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError when the directory cannot be made or written, RunError while another receiver uses it."""
        self.folder = folder
        self._numbers = count()
        for signal in SIGNALS:
            durable.make(folder / signal)
        self._claim = os.open(folder, os.O_RDONLY)  # as long as this process lives
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"{folder} is the inbox of an otelmart listen that runs: stop that, or name another with --inbox"
            ) from None
        for half_way in folder.rglob(f".*{durable.TEMPORARY}"):
            half_way.unlink()
        durable.write_bytes(folder / ".probe", b"")
        (folder / ".probe").unlink()

    def keep(self, requests: Iterable[Export], malformed: Iterable[Export]) -> Collection[Export]:
        """Puts exports on disk, all or none; those that hold nothing are left out.

        What is malformed lies alone in its file, so that it cannot spoil another: ingest makes it a dead letter.
        """
        frames: dict[Signal, list[bytes]] = {}
        alone = [export for export in malformed if export.data]
        for export in requests:
            if starts_message(export.data):
                frames.setdefault(export.signal, []).append(_frame(export.sent or export.data))
            elif export.data:
                alone.append(export)
        contents = {self._name(signal): b"".join(own) for signal, own in frames.items()}
        self._publish(contents | {self._name(export.signal): export.data for export in alone})
        return ()

    def files(self) -> list[Path]:
        """Files that ingest has not removed yet, oldest first."""
        return sorted(path for path in self.folder.rglob("*.otlp") if not path.name.startswith("."))

    def _name(self, signal: Signal) -> Path:
        """A name that no other has, whatever the clock does."""
        return self.folder / signal / f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers):06d}.otlp"

    def _publish(self, contents: dict[Path, bytes]) -> None:
        written = {}
        try:
            for path, data in contents.items():
                if not path.parent.is_dir():
                    durable.make(path.parent)
                half_way = durable.temporary(path)
                written[half_way] = path
                half_way.write_bytes(data)
            durable.publish(written, folders_above=1)
        except OSError:
            for half_way in written:
                half_way.unlink(missing_ok=True)
            raise


def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data
