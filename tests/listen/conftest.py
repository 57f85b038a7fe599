"""A receiver as a user starts it, in a process of its own, on free ports."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

SECRET = {"OTELMART_PRIVACY_KEY": "a key for tests"}
READY = re.compile(r"OTLP/HTTP on (http://\S+), OTLP/gRPC on (\S+)")


@dataclass
class Listener:
    """A running receiver; `http` and `grpc` are the endpoints for an exporter."""

    process: subprocess.Popen[str]
    folder: Path
    http: str
    grpc: str

    def post(self, signal: str, data: Any, content_type: str = "application/x-protobuf", **headers: str) -> Any:
        sent = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(f"{self.http}/v1/{signal}", data=data, headers=sent, timeout=20)

    def stop(self) -> str:
        """SIGTERM; what was taken is in the lake afterwards. The rest of what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said
        return said

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def inbox_files(self) -> list[Path]:
        return sorted(path for path in (self.folder / "inbox").rglob("*") if path.is_file())


Start = Callable[..., Listener]


@pytest.fixture
def start(otelmart: str, tmp_path: Path) -> Iterator[Start]:
    """Starts receivers in one place, that load the inbox only when they stop unless told otherwise."""
    yield from starting(otelmart, tmp_path)


def starting(otelmart: str, place: Path) -> Iterator[Start]:
    """A way to start receivers; what still runs is killed afterwards."""
    started = []

    def begin(*options: str, environment: dict[str, str] | None = None, before: Sequence[str] = ()) -> Listener:
        command = [otelmart, "listen", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--load-every", "1h"]
        process = subprocess.Popen(
            [*before, *command, "--to", "lake:lake", "--inbox", "inbox", "--warehouse", "w.duckdb", *options],
            cwd=place,
            env=SECRET | {"PATH": "/usr/bin:/bin", "TZ": "UTC"} | (environment or {}),
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stderr
        said = process.stderr.readline()
        ports = READY.match(said)
        assert ports, said + process.stderr.read()
        return Listener(process, place, ports[1], ports[2])

    yield begin
    for process in started:
        process.kill()
        process.communicate()
