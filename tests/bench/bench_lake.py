"""Files → lake: the product's Beam run against the usual job, the graph's own overhead, and peak memory.

The usual job: match files → gunzip → official protobuf classes → one dict a span → `WriteToParquet`. Same input and
engine, each in a process of its own; CPU of the whole process less that of the same process with one request. Beam
and plain functions load four times as much, in some rounds, for they differ by little.
"""

import gzip
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import traffic

from pipelines import tables

MODES = ("usual", "beam", "plain")
ROUNDS = 5
REQUESTS = 96
SPANS_PER_REQUEST = 512
HERE = Path(__file__).resolve()


def measure() -> dict[str, dict[str, object]]:
    """Ratios first: usual job / product, product / plain functions; then peak memory in MB at 1x, 4x and 16x input."""
    with tempfile.TemporaryDirectory(prefix="otelmart-bench-") as tmp:
        root = Path(tmp)
        spans = {factor: _input(root / f"in{factor}", REQUESTS * factor) for factor in (1, 4, 16)}
        _input(root / "in0", 1)
        for mode in MODES:  # compiles what it imports, which is no cost of a run
            _run(mode, root / "in0", root / "first")
        usual_us = _cpu_us("usual", root, 1, root / "usual") / (spans[1] - SPANS_PER_REQUEST)
        rounds = [
            {
                mode: _cpu_us(mode, root, 4, root / f"{mode}-{number}") / (spans[4] - SPANS_PER_REQUEST)
                for mode in ("beam", "plain")
            }
            for number in range(ROUNDS)
        ]
        peaks_mb = {factor: _run("beam", root / f"in{factor}", root / f"peak-{factor}")["peak_mb"] for factor in spans}
        lake_bytes = sum(part.stat().st_size for part in (root / "peak-1").glob("traces/*/*.parquet"))
    beam_us = statistics.median(each["beam"] for each in rounds)
    over_plain = statistics.median(each["beam"] / each["plain"] for each in rounds)
    cpu = "CPU of the run, start-up taken off"
    return {
        "lake_over_dict_rows_job": _figure(usual_us / beam_us, "x", "dict rows and WriteToParquet on the same engine"),
        "lake_beam_over_plain": _figure(over_plain, "x", f"the same functions without Beam, {ROUNDS} rounds"),
        "lake_beam_us": _figure(beam_us, "us/span", cpu),
        "lake_dict_rows_job_us": _figure(usual_us, "us/span", cpu),
        "lake_bytes": _figure(lake_bytes / spans[1], "B/span", "tests/bench/traffic.py"),
        **{
            f"lake_peak_{factor}x": _figure(peak_mb, "MB", f"{spans[factor]:,} spans")
            for factor, peak_mb in peaks_mb.items()
        },
    }


def _cpu_us(mode: str, root: Path, factor: int, out: Path) -> float:
    """CPU of a run, less that of the same process with one request."""
    started, done = (_run(mode, root / f"in{size}", out / str(size))["cpu"] for size in (0, factor))
    return (done - started) * 1e6


def _figure(value: float, unit: str, against: str) -> dict[str, object]:
    return {"value": value, "unit": unit, "against": against}


def _input(where: Path, requests: int) -> int:
    where.mkdir()
    spans = 0
    bodies = [
        gzip.compress(body, 6, mtime=0) for body in traffic.trace_requests(min(requests, REQUESTS), SPANS_PER_REQUEST)
    ]
    for i in range(requests):
        (where / f"{i:06d}.bin.gz").write_bytes(bodies[i % len(bodies)])
        spans += SPANS_PER_REQUEST
    return spans


def _run(mode: str, source: Path, out: Path) -> dict[str, float]:
    out.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(HERE), mode, str(source), str(out)],
        check=True,
        capture_output=True,
        text=True,
        cwd=HERE.parents[2],
        env={**os.environ, "OTELMART_PRIVACY_KEY": "bench"},
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _usual_job(source: Path, out: Path) -> None:
    import apache_beam as beam
    import dict_rows
    from apache_beam.io import fileio
    from apache_beam.options.pipeline_options import PipelineOptions

    schema = tables.arrow_schema("traces")
    empty = dict.fromkeys(schema.names)

    def rows(file: fileio.ReadableFile) -> Iterator[dict[str, object]]:
        for row in dict_rows.dict_rows(gzip.decompress(file.read())):
            yield {**empty, **row}

    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        (
            pipeline
            | "Match files" >> fileio.MatchFiles(f"{source}/*.gz")
            | "Open files" >> fileio.ReadMatches(compression="uncompressed")
            | "Decode rows" >> beam.FlatMap(rows)
            | "Write rows" >> beam.io.WriteToParquet(f"{out}/part", schema, codec="zstd")
        )


def _product(mode: str, source: Path, out: Path) -> None:
    from pipelines.cli.ingest import ingest
    from pipelines.cli.options import Engine

    ingest(f"files:{source}", out, 64 << 20, Engine({"beam": "FnApiRunner", "plain": "plain"}[mode]))


def _peak_mb() -> float:
    """Of this program: getrusage's maximum is at least that of the process that started it."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    mode, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    _usual_job(source, out) if mode == "usual" else _product(mode, source, out)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": usage.ru_utime + usage.ru_stime, "peak_mb": _peak_mb()}))
