"""When a batch is full: by its bytes as sent, and by what they say they unfold to, which is what memory holds."""

import gzip
import random
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from pipelines.sinks.lake import Lake
from pipelines.sources.compression import Limits, declared_bytes
from pipelines.worker.process import UNFOLDED_TIMES, Settings, Worker

BATCH_BYTES = 1000
UNFOLDED = bytes(BATCH_BYTES * UNFOLDED_TIMES // 3 + 1)
RAW = random.Random(1).randbytes(400)
NO_CLAIM = zstandard.ZstdCompressor(write_content_size=False).compress(UNFOLDED)


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        (RAW, 3),
        (gzip.compress(RAW), 3),
        (gzip.compress(UNFOLDED), 3),
        (zstandard.compress(UNFOLDED), 3),
        (NO_CLAIM, -(-BATCH_BYTES // len(NO_CLAIM))),
        (bytes(BATCH_BYTES + 1), 1),
    ],
    ids=["raw", "gzip", "gzip, unfolded", "zstd, unfolded", "zstd without a size", "one too large"],
)
def test_a_batch_is_full_by_the_one_or_the_other(tmp_path: Path, message: bytes, taken: int) -> None:
    settings = Settings("projects/p/subscriptions/s", f"lake:{tmp_path}", "key", 1 << 20, BATCH_BYTES, 1.0, 1 << 20, 10)
    worker = Worker(settings, Lake(tmp_path), threading.Event(), lambda done: None)
    for _ in range(100):
        worker._arrivals.put(SimpleNamespace(data=message))
    assert len(worker._taken(time.monotonic() + 60, [])) == taken


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (b"", 0),
        (b"\x0a\x03abc", 5),
        (gzip.compress(b"abc")[:-4] + b"\xff\xff\xff\xff", 23 * 500),  # a lie, up to the ratio that is taken
        (gzip.compress(bytes(90_000)), 20_000),  # more than a message may have
        (b"\x1f\x8b\x08", 3),
        (zstandard.compress(bytes(900)), 900),
        (b"\x28\xb5\x2f\xfd", 4),
        (b"\x50\x2a\x4d\x18" + bytes(4), 8),
    ],
    ids=["empty", "raw", "a lie", "too much", "gzip cut off", "zstd", "zstd cut off", "zstd skippable"],
)  # fmt: skip
def test_what_a_message_declares_is_taken_up_to_the_limits(data: bytes, declared: int) -> None:
    assert declared_bytes(data, Limits(message_bytes=20_000)) == declared
