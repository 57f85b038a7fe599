"""`make bench-worker`: a backlog in Google's Pub/Sub emulator, drained by `otelmart worker` into a lake and BigQuery.

Two cores are shared by emulator, worker and the Storage Write stand-in (a process of its own, which checks rows and
forgets them). Messages hold 4,096 spans of the usual traffic, some 345 KB of gzip. Prints spans a second (wall, from
the first commit to the last) of all and of each minute, spans a second of the worker's CPU, and the peak memory of its
processes; then, at half that rate for HALF_SECONDS (30), how long a span took from publish to commit, and whether the
worker kept up. Adds the figures to .otelmart/bench.json. The number of messages and the sinks may be given:
`HALF_SECONDS=300 python tests/bench/worker_at_scale.py 9750 lake bigquery_default`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deflate
import requests

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import bench_sink  # noqa: E402
import traffic  # noqa: E402

from pipelines.listen.topic import attributes  # noqa: E402
from tests.stack import pubsub_emulator  # noqa: E402

REQUESTS_A_MESSAGE = 8
SPANS_A_MESSAGE = REQUESTS_A_MESSAGE * 512
DIFFERENT = 8
HALF_SECONDS = float(os.environ.get("HALF_SECONDS", "30"))
PROCESSES = 2
ROWS = 'otelmart_worker_rows_total{table="traces"}'
RESULT = HERE.parents[1] / ".otelmart" / "bench.json"


def main(backlog: int, *names: str) -> None:
    requests_made = traffic.trace_requests(DIFFERENT * REQUESTS_A_MESSAGE)
    # requests one after the other are one: what is repeated in protobuf adds up
    bodies = [b"".join(requests_made[i::DIFFERENT]) for i in range(DIFFERENT)]
    figures: dict[str, Any] = {}
    with pubsub_emulator.emulator() as pubsub, bench_sink._served() as (storage, _):
        for name, sink, options in [
            ("lake", "lake", []),
            ("bigquery_default", "bigquery:shop.observability?stream=default", ["--batch-every", "2s"]),
            ("bigquery_pending", "bigquery:shop.observability", ["--batch-every", "5s"]),
        ]:
            if names and name not in names:
                continue
            with tempfile.TemporaryDirectory(prefix="otelmart-bench-") as place:
                to = f"lake:{place}/lake" if sink == "lake" else sink
                topic, subscription = pubsub.topic(f"bench-{name.replace('_', '-')}")
                _publish(pubsub, topic, bodies, 0, backlog)
                with _worker(pubsub.host, storage, subscription, to, options) as (url, pid):
                    rate, cpu_rate, peak_mb = _drained(url, pid, backlog)
                    print(
                        f"{name:<17} {rate:>9,.0f} spans/s wall {cpu_rate:>9,.0f} spans/CPU s "
                        f"peak {peak_mb:,.0f} MB a process",
                        flush=True,
                    )
                # of a subscription of its own: what comes again of a backlog is old
                topic, subscription = pubsub.topic(f"bench-{name.replace('_', '-')}-half")
                with _worker(pubsub.host, storage, subscription, to, options) as (url, pid):
                    while requests.get(f"{url}/readyz", timeout=5).status_code != 200:
                        time.sleep(0.1)
                    before = _buckets(url)
                    sent = _publish_at(pubsub, topic, bodies, backlog, rate / 2, HALF_SECONDS)
                    time.sleep(12)
                    delay = _quantile(before, _buckets(url), 0.95)
                    committed = _metric(url, ROWS)
                    print(
                        f"{'':<17} at half that rate for {HALF_SECONDS:.0f} s: p95 publish to commit at most "
                        f"{delay:g} s, {committed:,.0f} of {sent:,} spans committed, peak {_peak_mb(pid):,.0f} MB",
                        flush=True,
                    )
            against = f"{backlog * SPANS_A_MESSAGE:,} spans in {backlog:,} messages, {PROCESSES} processes"
            figures |= {
                f"worker_{name}": {"value": rate, "unit": "spans/s", "against": against},
                f"worker_{name}_cpu": {"value": cpu_rate, "unit": "spans/CPU s", "against": against},
                f"worker_{name}_peak": {"value": peak_mb, "unit": "MB", "against": "largest process"},
                f"worker_{name}_p95": {"value": delay, "unit": "s", "against": "publish to commit at half load"},
            }
    there = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    RESULT.write_text(json.dumps(there | figures, indent=2, sort_keys=True) + "\n")


def _publish(pubsub: Any, topic: str, bodies: list[bytes], first: int, count: int) -> None:
    """Messages that all differ: a field that no OTLP message has, at the end of the request, bears their number."""
    waiting = []
    for number in range(first, first + count):
        body = bodies[number % len(bodies)] + b"\xfa\x3f\x08" + b"%08d" % number  # field 1023, bytes
        waiting.append(pubsub.publisher.publish(topic, bytes(deflate.gzip_compress(body, 1)), **attributes("traces")))
    for confirmed in waiting:
        confirmed.result(timeout=120)


def _publish_at(pubsub: Any, topic: str, bodies: list[bytes], first: int, spans_a_second: float, seconds: float) -> int:
    """Spans that were published."""
    start, number = time.monotonic(), 0
    while (now := time.monotonic() - start) < seconds:
        due = int(now * spans_a_second / SPANS_A_MESSAGE)
        if due > number:
            _publish(pubsub, topic, bodies, first + number, due - number)
            number = due
        time.sleep(0.1)
    return number * SPANS_A_MESSAGE


@contextmanager
def _worker(host: str, storage: str, subscription: str, sink: str, options: list[str]) -> Iterator[tuple[str, int]]:
    command = [
        str(Path(sys.executable).parent / "otelmart"),
        "worker",
        "--from",
        f"pubsub:{subscription}",
        "--to",
        sink,
    ]
    hosts = {"PUBSUB_EMULATOR_HOST": host, "BIGQUERY_STORAGE_EMULATOR_HOST": storage}
    with subprocess.Popen(
        [*command, "--health", "127.0.0.1:0", "--processes", str(PROCESSES), *options],
        env={"PATH": os.environ["PATH"], "OTELMART_PRIVACY_KEY": "bench", **hosts},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        lines = iter(running.stderr.readline, "")
        url = next(filter(None, (re.search(r"http://\S+", line) for line in lines)), None)
        assert url, "the worker ended before it pulled"
        yield url[0], running.pid
        running.terminate()
        running.communicate()


def _drained(url: str, pid: int, messages: int) -> tuple[float, float, float]:
    """(spans a second, spans a CPU second of all processes, peak MB of the largest process); tells each minute."""
    start, before, rows = None, 0.0, 0.0
    minute_start, minute_rows = 0.0, 0.0
    while rows < messages * SPANS_A_MESSAGE:
        rows, now = _metric(url, ROWS), time.monotonic()
        if rows and start is None:
            start, before = minute_start, minute_rows = now, rows
        if start is not None and now - minute_start >= 60:
            rate = (rows - minute_rows) / (now - minute_start)
            print(f"  minute {(now - start) / 60:.0f}: {rate:,.0f} spans/s, peak {_peak_mb(pid):,.0f} MB", flush=True)
            minute_start, minute_rows = now, rows
        time.sleep(0.1)
    assert start is not None
    seconds = time.monotonic() - start
    cpu = sum(
        sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:13]))
        for each in _processes(pid)
    ) / os.sysconf("SC_CLK_TCK")
    return (rows - before) / seconds, rows / cpu, _peak_mb(pid)


def _processes(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _peak_mb(pid: int) -> float:
    """So far, of the largest process."""
    statuses = [Path(f"/proc/{each}/status").read_text() for each in _processes(pid)]
    return max(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) for status in statuses) / 1024


def _metric(url: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", requests.get(f"{url}/metrics", timeout=5).text, re.M)
    return float(found[1]) if found else 0.0


def _buckets(url: str) -> dict[float, float]:
    text = requests.get(f"{url}/metrics", timeout=5).text
    found = re.findall(r'publish_to_commit_seconds_bucket{le="([^"]+)"} (\S+)', text)
    return {float(bound): float(count) for bound, count in found}


def _quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    counts = {bound: after[bound] - before[bound] for bound in sorted(after)}
    return next(bound for bound, count in counts.items() if count >= share * counts[float("inf")])


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_250, *sys.argv[2:])
