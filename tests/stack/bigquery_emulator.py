"""local-bigquery, an emulator with BigQuery's REST interface, as a second process, and what a test does to it."""

import io
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipelines import tables

REPO = Path(__file__).resolve().parents[2]
HOME = REPO / ".otelmart" / "bigquery-emulator"
READY = HOME / ".ready"  # written last by tests/stack/install
NEEDS_EMULATOR = pytest.mark.skipif(
    not READY.exists(), reason="no emulator: tests/stack/install makes it, from Python 3.13, the oldest it runs on"
)
SERVE = Path(__file__).parent / "bigquery" / "serve.py"
# BigQuery lets a view be created over these without a filter; the emulator refuses, so they need none there.
READ_WHOLE = ("dead_letters", "ingest_ledger")


@dataclass(frozen=True)
class Emulator:
    """A running emulator: its addresses and a client of it."""

    url: str
    grpc: str
    client: bigquery.Client

    def create_tables(self) -> None:
        """The tables of schemas/, from their DDL."""
        self.client.create_dataset("observability")
        for name in tables.TABLES:
            needs_filter = str(name not in READ_WHOLE).lower()
            ddl = tables.ddl(name).replace(
                "require_partition_filter = true", f"require_partition_filter = {needs_filter}"
            )
            self.client.query(ddl).result()

    def load(self, name: str, rows: pa.Table) -> None:
        """Appends rows to a raw table by a load job of one Parquet file."""
        if not rows.num_rows:
            return
        file = io.BytesIO()
        pq.write_table(rows.cast(tables.arrow_schema(name)), file)
        file.seek(0)
        lists = bigquery.format_options.ParquetOptions()
        lists.enable_list_inference = True
        table = self.client.get_table(f"observability.{name}")
        job = bigquery.LoadJobConfig(
            source_format="PARQUET", write_disposition="WRITE_APPEND", parquet_options=lists, schema=table.schema
        )
        self.client.load_table_from_file(file, table, job_config=job).result()

    def rows(self, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
        """All rows of a table, these columns."""
        found = self.client.query(f"select {', '.join(columns)} from {table}").result()
        return [tuple(row[column] for column in columns) for row in found]


@contextmanager
def emulator(data: Path) -> Iterator[Emulator]:
    """An emulator on loopback that keeps its data in `data`; it ends with the block."""
    port, grpc_port = _free_port(), _free_port()
    arguments = ["--host", "127.0.0.1", "--port", port, "--grpc-port", grpc_port, "--project", "otelmart"]
    command = [str(HOME / "bin" / "python"), str(SERVE), *arguments, "--data-dir", str(data)]
    env = {"PATH": os.environ["PATH"], "HOME": str(HOME / "home")}
    with (data.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(int(port), process, Path(log.name))
        url = f"http://127.0.0.1:{port}"
        yield Emulator(
            url,
            f"127.0.0.1:{grpc_port}",
            bigquery.Client(
                project="otelmart", credentials=AnonymousCredentials(), client_options={"api_endpoint": url}
            ),
        )
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert process.poll() is None, f"the emulator ended while it started: {log.read_text()[-2000:]}"
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    raise TimeoutError("the emulator does not listen after 60 s")
