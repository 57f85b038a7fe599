"""Hostile and huge inputs: dead letters with their bytes, in bounded memory."""

import gzip
import hashlib
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import zstandard

from tests.bench.traffic import trace_requests
from tests.pipeline.telemetry import delimited, logs, receipts, rows, spans, tree, write

MB = 1_000_000
# Until its exec a child has its forker's memory, and ru_maxrss keeps that: a small process does the forking.
PEAK_KB = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def ingest_mb(otelmart: str, source: Path, lake: Path, *more: str) -> float:
    """Peak resident memory of a successful ingest without Beam, in MB."""
    command = [otelmart, "ingest", "--from", f"files:{source}", "--to", f"lake:{lake}", "--runner", "plain", *more]
    done = subprocess.run([sys.executable, "-c", PEAK_KB, *command], capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024 / MB


def test_the_memory_of_a_run_is_not_that_of_the_process_that_started_it(otelmart: str, tmp_path: Path) -> None:
    write(tmp_path / "in" / "one.pb", delimited(spans(1)))
    ballast = b"1" * 600 * MB

    assert ingest_mb(otelmart, tmp_path / "in", tmp_path / "lake") < len(ballast) / MB


def test_a_message_of_200_mb_becomes_a_dead_letter_in_pieces(otelmart: str, tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "large.pb", delimited(spans(1)) + (200 * MB).to_bytes(4, "big") + b"\x0a")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1 + 200 * MB)
        file.seek(0, os.SEEK_END)
        file.write(delimited(spans(10)))
    receipts(tmp_path / "in")

    assert ingest_mb(otelmart, tmp_path / "in", tmp_path / "lake") < 500

    query = "select chunk_ordinal, chunk_count, octet_length(payload), reason, payload_id from dead_letters order by 1"
    pieces = rows(tmp_path / "lake", query)
    digest = hashlib.sha256(b"\x0a" + bytes(200 * MB - 1)).hexdigest()[:32]
    # 200,000,000 bytes = 47 pieces of 4 MiB, which a row of BigQuery can hold, and one of 2,867,712
    assert pieces == [(i, 48, 4 << 20, "message_too_large", digest) for i in range(47)] + [
        (47, 48, 2_867_712, "message_too_large", digest)
    ]
    assert rows(tmp_path / "lake", "select count(*) from traces") == [(4,)]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_bomb_becomes_a_dead_letter_as_it_lies_there(otelmart: str, tmp_path: Path, codec: str) -> None:
    blank, count = b" " * MB, 2000
    if codec == "gzip":
        squeeze = zlib.compressobj(9, wbits=31)
        bomb = squeeze.compress(b'{"resourceSpans": [') + b"".join(squeeze.compress(blank) for _ in range(count // 10))
        bomb += squeeze.flush()
    else:
        frame = zstandard.ZstdCompressor().compressobj()
        bomb = frame.compress(b'{"resourceSpans": [') + b"".join(frame.compress(blank) for _ in range(count))
        bomb += frame.flush()
    write(tmp_path / "in" / "bomb", bomb)

    assert ingest_mb(otelmart, tmp_path / "in", tmp_path / "lake") < 450

    query = "select reason, encoding, payload, payload_id from dead_letters"
    assert rows(tmp_path / "lake", query) == [("decompressed_too_large", "raw", bomb, None)]


def test_the_limit_of_a_message_can_be_set(otelmart: str, tmp_path: Path) -> None:
    small, large = spans(1), spans(1, count=200)
    write(tmp_path / "in" / "both.pb", delimited(small, large))

    ingest_mb(otelmart, tmp_path / "in", tmp_path / "lake", "--max-message", "5KB")

    assert len(large) > 5000
    assert rows(tmp_path / "lake", "select payload from dead_letters") == [(large,)]
    assert rows(tmp_path / "lake", "select count(*) from traces") == [(2,)]


def test_memory_does_not_grow_with_the_input(otelmart: str, tmp_path: Path) -> None:
    bodies = [gzip.compress(body, 1, mtime=0) for body in trace_requests(24, 512)]
    peaks_mb = {}
    for factor in (16, 64):
        for i in range(24 * factor):
            write(tmp_path / f"in{factor}" / f"{i:04d}.gz", bodies[i % 24])
        source, lake = tmp_path / f"in{factor}", tmp_path / f"lake{factor}"
        peaks_mb[factor] = [ingest_mb(otelmart, source, tmp_path / f"{lake}-{run}") for run in range(2)]

    assert rows(tmp_path / "lake64-0", "select count(*) from traces") == [(24 * 64 * 512,)]
    assert max(peaks_mb[64]) < 1000
    # smaller inputs do not fill the buffers; the lower of two peaks, for those of one input differ by up to a fifth
    assert min(peaks_mb[64]) < 1.15 * min(peaks_mb[16])


def test_many_small_messages_cost_their_number_and_not_its_square(otelmart: str, tmp_path: Path) -> None:
    frames = b"".join(delimited(spans(i, count=1)) for i in range(1, 20_001))
    write(tmp_path / "in" / "frames.pb", frames + delimited(spans(1, count=1), b"\x0a\x00", logs(0, count=0)))

    assert ingest_mb(otelmart, tmp_path / "in", tmp_path / "lake") < 450

    sums = "count(*), sum(delivery_count), sum(written_row_count)"
    query = f"select table_name, {sums} from ingest_ledger group by 1 order by 1"
    # the first message came twice; the last two hold nothing to tell their signal by
    assert [(t, n, int(d), int(w)) for t, n, d, w in rows(tmp_path / "lake", query)] == [
        ("dead_letters", 2, 2, 0),
        ("traces", 20_000, 20_001, 20_001),
    ]


def test_rows_of_hundreds_of_days_need_few_open_files_and_little_memory(otelmart: str, tmp_path: Path) -> None:
    days = [f"20{year}-{month:02d}-{day:02d}" for year in (23, 24, 25) for month in range(1, 13) for day in (1, 11, 21)]
    for i, day in enumerate(days):
        write(tmp_path / "in" / f"{i:03d}.bin", spans(1000 * i + 1, day=day))
    receipts(tmp_path / "in")

    assert ingest_mb(otelmart, tmp_path / "in", tmp_path / "lake") < 450
    assert rows(tmp_path / "lake", "select count(distinct event_date), count(*) from traces") == [(108, 216)]
    assert len([name for name in tree(tmp_path / "lake") if name.startswith("traces/")]) == 108
