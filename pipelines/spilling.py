"""DuckDB over Parquet files, without a database of its own: as much memory as is said here, the rest on disk."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

MEMORY: Final = "1GiB"


@contextmanager
def connect(memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC that keeps what is beyond `memory` in the system's folder for temporary files."""
    with (
        tempfile.TemporaryDirectory(prefix="otelmart-duckdb-") as folder,
        duckdb.connect(config={"memory_limit": memory, "temp_directory": folder}) as connection,
    ):
        connection.execute("set timezone = 'UTC'")
        yield connection
