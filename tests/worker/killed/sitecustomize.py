"""On the PYTHONPATH of a worker under test: its first process to reach a named place is killed there with SIGKILL.

KILL_AT names the place, KILL_MARK a file that says it has happened. Python imports this module by itself.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _die_once() -> None:
    try:
        Path(os.environ["KILL_MARK"]).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _around(owner: Any, name: str, *, before: bool = False, call: int = 1) -> None:
    original = getattr(owner, name)
    calls = [0]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if before and calls[0] == call:
            _die_once()
        result = original(*args, **kwargs)
        if not before and calls[0] == call:
            _die_once()
        return result

    setattr(owner, name, wrapped)


def _places() -> dict[str, Callable[[], None]]:
    from google.cloud.pubsub_v1.subscriber.message import Message

    from pipelines import durable, load
    from pipelines.sinks.bigquery import BigQuery, Rows
    from pipelines.sinks.lake import Lake, Parts
    from pipelines.sinks.storage_write import StorageWrite
    from pipelines.worker import batch

    return {
        "before the first row": lambda: _around(Parts, "add", before=True),
        "between rows": lambda: _around(Parts, "add", call=2),
        "decoded": lambda: _around(Parts, "publish", before=True),
        "first part has its name": lambda: _around(durable.os, "replace"),
        "second part has its name": lambda: _around(durable.os, "replace", call=2),
        "published": lambda: _around(Parts, "publish"),
        "before the ledger": lambda: _around(Lake, "commit", before=True),
        "committed": lambda: _around(Lake, "commit"),
        "second batch committed": lambda: _around(batch, "commit", call=2),
        "first acknowledgement": lambda: _around(Message, "ack_with_response"),
        "stream finalized": lambda: _around(StorageWrite, "pending"),
        "stream committed": lambda: _around(StorageWrite, "commit"),
        "second stream committed": lambda: _around(StorageWrite, "commit", call=2),
        "all streams committed": lambda: _around(Rows, "publish"),
        "before the ledger's stream": lambda: _around(BigQuery, "commit", before=True),
        "ledger's stream committed": lambda: _around(BigQuery, "commit"),
        "routed": lambda: _around(load, "_load_group"),
    }


if "KILL_AT" in os.environ and sys.argv[:1] == ["-m"]:
    _places()[os.environ["KILL_AT"]]()
