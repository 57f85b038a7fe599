"""The gateway of deploy/collector, run by a real collector that a test may kill, and an app that sends to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

REPO = Path(__file__).resolve().parents[2]
CONFIG = REPO / "deploy" / "collector" / "gateway-otlphttp.yaml"
BUILD = REPO / "tests" / "stack" / "collector" / "build.sh"
NO_GO = 127  # what BUILD exits with
APP = BUILD.with_name("app.py")
ROUNDS = 10  # of 100 traces each


@dataclass
class Gateway:
    """A collector in `folder`, which keeps its queues; it can be started again on the same addresses."""

    otelcol: Path
    folder: Path
    listen: str
    tempo: str
    ports: list[int] = field(default_factory=lambda: free_ports(4))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it takes requests."""
        with (self.folder / "otelcol.log").open("ab") as log:
            command = [str(self.otelcol), "--config", str(CONFIG)]
            self.process = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self.is_healthy():
            assert self.process.poll() is None, f"the collector ended: {self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"the collector is not healthy after 60 s: {self.log()[-3000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self) -> None:
        """SIGTERM; it hands on what it can, the rest stays in its queues."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, self.log()[-3000:]

    def environment(self) -> dict[str, str]:
        grpc, http, health, own = self.ports
        return {
            "PATH": os.environ["PATH"],
            "OTELMART_GATEWAY_GRPC": f"127.0.0.1:{grpc}",
            "OTELMART_GATEWAY_HTTP": f"127.0.0.1:{http}",
            "OTELMART_GATEWAY_HEALTH": f"127.0.0.1:{health}",
            "OTELMART_GATEWAY_METRICS_PORT": str(own),
            "OTELMART_GATEWAY_QUEUES": str(self.folder / "queues"),
            "OTELMART_ARCHIVE_DIR": str(self.archive),
            "OTELMART_LISTEN_ENDPOINT": self.listen,
            "OTELMART_TEMPO_ENDPOINT": self.tempo,
        }

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def queue_written_ns(self, signal_name: str) -> int:
        """When the queue of a signal last changed on disk."""
        return max(path.stat().st_mtime_ns for path in (self.folder / "queues").glob(f"*otlp_http*{signal_name}*"))

    def is_healthy(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.ports[2]}", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def log(self) -> str:
        return (self.folder / "otelcol.log").read_text()


def free_ports(count: int) -> list[int]:
    """Different ones: all are held until all are known."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in held]
    for listener in held:
        listener.close()
    return ports


@dataclass
class App:
    """tests/stack/collector/app.py under way."""

    process: subprocess.Popen[str]
    notes: Path

    def go(self, rounds: int) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n" * rounds)
        self.process.stdin.flush()

    def wait_for_round(self, number: int) -> None:
        """Until a round's telemetry is about to be sent."""
        assert self.process.stdout
        while (said := self.process.stdout.readline()) != f"round {number}\n":
            assert said, self.errors()

    def finish(self) -> dict[str, list[Any]]:
        """What it notes to have sent, after its end."""
        self.process.communicate(timeout=300)
        assert self.process.returncode == 0, self.errors()
        return dict(json.loads(self.notes.read_text()))

    def errors(self) -> str:
        return self.notes.with_suffix(".log").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


def launched_app(collector: Gateway, protocol: str, notes: Path) -> App:
    """An app that has not been told to go yet."""
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.grpc}" if protocol == "grpc" else collector.http,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "60",  # for its retries too: longer than a collector is away
        "OTEL_SERVICE_NAME": "shop",
    }
    with notes.with_suffix(".log").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, str(APP), str(notes), str(ROUNDS)],
            env=os.environ | told,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    return App(process, notes)
