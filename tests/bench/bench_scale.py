"""The batch graph with one and two worker processes: speed-up and efficiency, start-up taken off.

Two cores: with two processes the driver's share comes off theirs. Units are what is spread, so the input has eight.
"""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

SPANS_PER_REQUEST = 512
REQUESTS = 96
COPIES = 64  # some 240 MB of gzip: eight units
HERE = Path(__file__).resolve()


def measure() -> dict[str, dict[str, object]]:
    """`scale_speedup` (1 is no gain), `scale_efficiency` (1 is perfect), and spans a second of either."""
    with tempfile.TemporaryDirectory(prefix="otelmart-bench-") as tmp:
        root = Path(tmp)
        spans = _input(root / "many", COPIES) - _input(root / "few", 0)
        seconds = {}
        for workers in (1, 2):
            start_up = _seconds(root, "few", workers)
            seconds[workers] = _seconds(root, "many", workers) - start_up
    speed_up = seconds[1] / seconds[2]
    one = f"one process, {spans:,} spans, wall"
    return {
        "scale_speedup": {"value": speed_up, "unit": "x", "against": one},
        "scale_efficiency": {"value": speed_up / 2, "unit": "ratio", "against": "two processes on two cores"},
        "scale_one_process": {"value": spans / seconds[1], "unit": "spans/s", "against": "start-up taken off"},
        "scale_two_processes": {"value": spans / seconds[2], "unit": "spans/s", "against": "start-up taken off"},
    }


def _input(where: Path, copies: int) -> int:
    """Spans in `copies` times the usual requests, or in two of them; files have names and bytes of their own."""
    import traffic

    where.mkdir()
    bodies = traffic.trace_requests(REQUESTS if copies else 2, SPANS_PER_REQUEST)
    for copy in range(copies or 1):
        for i, body in enumerate(bodies):
            numbered = body + b"\xfa\x3f\x08" + b"%08d" % (copy * REQUESTS + i)  # field 1023, which no OTLP has
            (where / f"{copy:03d}-{i:03d}.bin.gz").write_bytes(gzip.compress(numbered, 1, mtime=0))
    return len(bodies) * (copies or 1) * SPANS_PER_REQUEST


def _seconds(root: Path, source: str, workers: int) -> float:
    command = [
        *(str(Path(sys.executable).parent / "otelmart"), "ingest", "--from", f"files:{root / source}"),
        *("--to", f"lake:{root / f'{source}-{workers}'}", "--workers", str(workers)),
    ]
    started = perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OTELMART_PRIVACY_KEY": "bench"})
    return perf_counter() - started
