"""`make bench-peers`: the same spans through otlp2parquet and through otelmart: CPU and bytes a span, ratios first.

Each message is the usual traffic of tests/bench/traffic.py, protobuf in gzip. CPU is that of the process that receives
or reads them until everything is in Parquet, less that of the same process with one message; the middle of some rounds
that alternate. otlp2parquet reads no files, so otelmart's run over files is compared with its receiver, too; it writes
spans as they were sent, where otelmart promotes attributes, hides personal data and keeps a ledger. Needs cargo.
"""

import gzip
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import requests
import traffic

REQUESTS, SPANS_PER_REQUEST = 288, 512
ROUNDS = 3
CLIENTS = 8  # connections that send at once
HOST, PORT = "127.0.0.1", 14318
PEER = Path(".otelmart/peers/bin/otlp2parquet").resolve()
OTELMART = str(Path(sys.executable).parent / "otelmart")
Run = Callable[[Path, Sequence[bytes]], float]


def main() -> None:
    bodies = [gzip.compress(body, 6, mtime=0) for body in traffic.trace_requests(REQUESTS, SPANS_PER_REQUEST)]
    sent_bytes = sum(map(len, bodies)) / REQUESTS
    print(f"{REQUESTS * SPANS_PER_REQUEST:,} spans, {REQUESTS} messages of {sent_bytes / 1e3:.1f} kB in gzip")
    peer = subprocess.run([PEER, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    runs: dict[str, Run] = {f"{peer}, HTTP": _peer, "otelmart listen, HTTP": _listen, "otelmart ingest, files": _ingest}
    cpu_us: dict[str, list[float]] = {name: [] for name in runs}
    bytes_a_span = {}
    with tempfile.TemporaryDirectory(prefix="otelmart-peers-") as tmp:
        for number in range(ROUNDS):
            for name, run in runs.items():
                place = Path(tmp, f"{len(os.listdir(tmp))}")
                start = run(place / "start", bodies[:1])
                seconds = run(place / "all", bodies) - start
                cpu_us[name].append(seconds * 1e6 / ((REQUESTS - 1) * SPANS_PER_REQUEST))
                rows, size, files = _written(place / "all", "traces" if name.startswith(peer) else "lake/traces")
                assert rows == REQUESTS * SPANS_PER_REQUEST, f"{name}: {rows} spans arrived"
                bytes_a_span[name] = size / rows
                print(f"round {number + 1}, {name}: {cpu_us[name][-1]:.2f} us/span, {files} Parquet files", flush=True)
    middle = {name: statistics.median(each) for name, each in cpu_us.items()}
    theirs = f"{peer}, HTTP"
    for name in runs:
        if name != theirs:
            print(f"{middle[name] / middle[theirs]:10.3f} x CPU     {name} over {theirs}")
    print(f"{bytes_a_span['otelmart listen, HTTP'] / bytes_a_span[theirs]:10.3f} x bytes   otelmart over {peer}")
    for name in runs:
        print(f"{middle[name]:10.2f} us/span  {bytes_a_span[name]:8.1f} B/span   {name}")


def _peer(place: Path, bodies: Sequence[bytes]) -> float:
    """Seconds of CPU of its receiver, with the flags and the batches that it has by default."""
    place.mkdir(parents=True)
    command = [str(PEER), "--port", str(PORT), "--output", str(place)]
    if len(bodies) > 1:
        print(" ".join(["$ otlp2parquet", *command[1:-1], "DIR"]), flush=True)
    with subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        _wait_for(f"http://{HOST}:{PORT}/health")
        _post(f"http://{HOST}:{PORT}", bodies)
        return _stopped(server)


def _listen(place: Path, bodies: Sequence[bytes]) -> float:
    place.mkdir(parents=True)
    command = [OTELMART, "listen", "--http", f"{HOST}:0", "--grpc", f"{HOST}:0", "--to", "lake:lake", "--inbox", "in"]
    with subprocess.Popen(command, cwd=place, env=_environment(), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        endpoint = re.search(r"http://\S+", server.stderr.readline().rstrip(","))
        assert endpoint
        _post(endpoint[0].rstrip(","), bodies)
        return _stopped(server)


def _ingest(place: Path, bodies: Sequence[bytes]) -> float:
    (place / "in").mkdir(parents=True)
    for number, body in enumerate(bodies):
        (place / "in" / f"{number:06}.bin.gz").write_bytes(body)
    command = [OTELMART, "ingest", "--from", "files:in", "--to", "lake:lake", "--runner", "plain"]
    with subprocess.Popen(command, cwd=place, env=_environment(), stderr=subprocess.DEVNULL) as process:
        return _ended(process)


def _environment() -> dict[str, str]:
    return os.environ | {"OTELMART_PRIVACY_KEY": "bench"}


def _post(endpoint: str, bodies: Sequence[bytes]) -> None:
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    of_thread = threading.local()

    def post(body: bytes) -> None:
        if not hasattr(of_thread, "session"):
            of_thread.session = requests.Session()
        of_thread.session.post(f"{endpoint}/v1/traces", data=body, headers=headers, timeout=60).raise_for_status()

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(post, bodies))


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on {url}")


def _stopped(server: subprocess.Popen[str] | subprocess.Popen[bytes]) -> float:
    server.send_signal(signal.SIGTERM)
    return _ended(server)


def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> float:
    """Seconds of CPU of a process and its children, once it has ended well."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.args
    return usage.ru_utime + usage.ru_stime


def _written(place: Path, folder: str) -> tuple[int, int, int]:
    """(rows, bytes, files) of the Parquet files below a folder."""
    parts = sorted((place / folder).rglob("*.parquet"))
    with duckdb.connect() as connection:
        found = connection.read_parquet([str(part) for part in parts], hive_partitioning=False).aggregate("count(*)")
        ((rows,),) = found.fetchall()
    return int(rows), sum(part.stat().st_size for part in parts), len(parts)


if __name__ == "__main__":
    main()
