"""Cloud Storage for tests: an emulator, storage_server.py, as a second process on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage


@dataclass(frozen=True)
class Storage:
    """A running emulator; `host` is what STORAGE_EMULATOR_HOST wants."""

    host: str
    client: Any

    def put(self, bucket: str, folder: Path) -> None:
        """All files below a folder, as objects with their names."""
        made = self.client.create_bucket(bucket)
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            made.blob(str(path.relative_to(folder))).upload_from_filename(path)


@contextmanager
def emulator() -> Iterator[Storage]:
    """An emulator that keeps objects in memory, and forgets them with the block."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = Path(__file__).parent / "storage_server.py"
    command = [sys.executable, server, "start", "--host=127.0.0.1", f"--port={port}"]
    process = subprocess.Popen([*command, "--in-memory"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    host = f"http://127.0.0.1:{port}"
    before = os.environ.get("STORAGE_EMULATOR_HOST")
    os.environ["STORAGE_EMULATOR_HOST"] = host
    try:
        _wait_for(host, process)
        yield Storage(host, storage.Client(project="otelmart", credentials=AnonymousCredentials()))
    finally:
        process.kill()
        process.wait()
        del os.environ["STORAGE_EMULATOR_HOST"]
        if before:
            os.environ["STORAGE_EMULATOR_HOST"] = before


def _wait_for(host: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(host, timeout=1)
            return
        except requests.ConnectionError:
            assert process.poll() is None, "the Cloud Storage emulator does not start"
            assert time.monotonic() < deadline, "the Cloud Storage emulator does not answer"
            time.sleep(0.1)
