"""Demos that several tests share: one as written, and three that went the whole way into lake and marts."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from pipelines.demo.generate import generate
from tests.demo.reading import Demo, read

# id → arguments of `otelmart demo`; the first is what `make demo` runs
RUNS: dict[str, tuple[str, ...]] = {
    "default": (),
    "two_days": ("--seed", "21", "--days", "2", "--users", "60"),
    "one_day": ("--seed", "22", "--days", "1", "--users", "40"),
}
if more := os.environ.get("OTELMART_DEMO_SEEDS"):  # "101-106" instead: a small day of each, as make test-stack asks
    first, last = (int(seed) for seed in more.split("-"))
    RUNS = {f"seed_{n}": ("--seed", str(n), "--days", "1", "--users", "15") for n in range(first, last + 1)}


class Built(NamedTuple):
    """A demo in lake and marts, beside its truth."""

    truth: dict[str, Any]
    lake: Path
    warehouse: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over the marts."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.sql("set TimeZone = 'UTC'")
            return connection.sql(sql).fetchall()

    def by_key(self, sql: str, key_count: int) -> dict[tuple[Any, ...], Any]:
        """{first columns: the rest} of a query; dates as text, one column as itself, more as a tuple."""
        found = {}
        for row in self.rows(sql):
            key = tuple(str(value) if value is not None else "" for value in row[:key_count])
            assert key not in found, key
            found[key] = row[key_count] if len(row) == key_count + 1 else row[key_count:]
        return found

    def lake_rows(self, table: str, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over `t`, a table of the lake."""
        with duckdb.connect() as connection:
            connection.sql(f"create view t as select * from read_parquet('{self.lake}/{table}/*/*.parquet')")
            return connection.sql(sql).fetchall()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Two days with 40 users, seed 11, as written."""
    directory = tmp_path_factory.mktemp("demo") / "shop"
    generate(directory, seed=11, days=2, users=40)
    return read(directory)


@pytest.fixture(scope="session", params=RUNS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, otelmart: str) -> Built:
    """Each of RUNS, written, ingested and built by the commands a user types."""
    place = tmp_path_factory.mktemp(request.param)
    shop, lake, warehouse = place / "shop", place / "lake", place / "warehouse.duckdb"
    run(place, otelmart, "demo", "--to", str(shop), *RUNS[request.param])
    run(place, otelmart, "ingest", "--from", f"files:{shop}", "--to", f"lake:{lake}")
    tests = "--tests" if request.param == "default" else "--no-tests"
    run(place, otelmart, "build", "--lake", str(lake), "--warehouse", str(warehouse), tests)
    return Built(json.loads((shop / "truth.json").read_text()), lake, warehouse)


def run(place: Path, *command: str) -> None:
    secret = {"OTELMART_PRIVACY_KEY": "a key for tests only"}
    done = subprocess.run(command, cwd=place, env=os.environ | secret, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
