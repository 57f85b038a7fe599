"""The literal warehouse, and what the report makes of it."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.report.facts import Facts
from pipelines.report.warehouse import read_facts

BUILT = datetime(2026, 11, 18, 6, tzinfo=UTC).timestamp()


@pytest.fixture(scope="session")
def literal(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Path:
    """The literal warehouse; not to be changed."""
    path = tmp_path_factory.mktemp("literal") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute((repo / "tests" / "report" / "warehouse.sql").read_text())
    os.utime(path, (BUILT, BUILT))
    return path


@pytest.fixture(scope="session")
def facts(literal: Path) -> Facts:
    """The facts of the literal warehouse."""
    return read_facts(literal)


@pytest.fixture
def warehouse(tmp_path: Path, literal: Path) -> Callable[..., Path]:
    """Makes a copy of the literal warehouse, changed by the statements given."""

    def make(*changes: str) -> Path:
        path = shutil.copy(literal, tmp_path)
        with duckdb.connect(str(path)) as connection:
            for change in changes:
                connection.execute(change)
        return Path(path)

    return make
