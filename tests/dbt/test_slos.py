"""The SLO marts over a lake that grows, and under corrections: what a person edits, what a build then says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

TABLES = ("fct_sli_5m", "fct_slo_budget_daily", "fct_slo_burn_alerts", "dim_slos")
WITHOUT_TESTS = ("--exclude-resource-type", "test")
CORRECTIONS = """\
slo_name,deployment_environment,service_namespace,service_name,from_time,to_time,action,good_delta,valid_delta,who,why
api-availability,production,,,2026-11-16 06:00:00+00,2026-11-16 12:00:00+00,exclude,,,ops@example.com,database move
login-success,production,shop,login,2026-11-16 03:00:00+00,2026-11-16 03:05:00+00,restate,40,41,ops@example.com,lost
"""


class Project:
    """A copy of the dbt project whose seeds a test may edit, with a lake and warehouses of its own."""

    def __init__(self, repo: Path, place: Path, otelmart: str) -> None:
        self.place, self.otelmart, self.dbt = place, otelmart, place / "dbt"
        self.lake, self.shop = place / "lake", place / "shop"
        shutil.copytree(repo / "dbt", self.dbt, ignore=shutil.ignore_patterns("target"))
        self._run(otelmart, "demo", "--to", str(self.shop), "--seed", "5", "--days", "2", "--users", "30")

    def ingest(self, glob: str) -> None:
        """Adds the demo's files of a pattern to the lake."""
        self._run(self.otelmart, "ingest", "--from", f"files:{self.shop}/{glob}", "--to", f"lake:{self.lake}")

    def build(self, warehouse: str, *arguments: str, is_failing: bool = False) -> dict[str, Any]:
        """{node name: result} of `dbt build` into a warehouse."""
        dbt = str(Path(sys.executable).parent / "dbt")
        target = self.place / "target"
        options = ["--target-path", str(target), "--log-path", str(target), "--exclude-resource-type", "unit_test"]
        self._run(dbt, "--quiet", "build", *options, *arguments, warehouse=warehouse, exit_code=int(is_failing))
        results = json.loads((target / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[2]: result for result in results}

    def rows(self, warehouse: str, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over the marts of a warehouse."""
        with duckdb.connect(str(self.place / warehouse), read_only=True) as connection:
            connection.sql("set TimeZone = 'UTC'")
            return connection.sql(sql).fetchall()

    def _run(self, *command: str, warehouse: str = "", exit_code: int = 0) -> None:
        paths = {"OTELMART_LAKE": str(self.lake), "OTELMART_WAREHOUSE": str(self.place / (warehouse or "none"))}
        secret = {"OTELMART_PRIVACY_KEY": "a key for tests only"}
        directory = self.dbt if warehouse else self.place
        done = subprocess.run(
            command, cwd=directory, env=os.environ | paths | secret, capture_output=True, text=True, check=False
        )
        assert done.returncode == exit_code, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="module")
def project(repo: Path, tmp_path_factory: pytest.TempPathFactory, otelmart: str) -> Project:
    """Built day by day as files came in (`grown`), then from nothing (`fresh`)."""
    project = Project(repo, tmp_path_factory.mktemp("slos"), otelmart)
    project.ingest("*/2026-11-16/*")
    project.build("grown", *WITHOUT_TESTS)
    project.ingest("*/*/*")
    project.build("grown", *WITHOUT_TESTS)
    project.build("fresh", *WITHOUT_TESTS)
    return project


@pytest.fixture(scope="module")
def corrected(project: Project) -> Project:
    """The same with CORRECTIONS written into the seed and one more build, into `corrected`."""
    shutil.copy(project.place / "fresh", project.place / "corrected")
    (project.dbt / "seeds/slo_corrections.csv").write_text(CORRECTIONS)
    project.build("corrected", "--select", "slo_corrections", "path:models/intermediate/slo", "path:models/marts/slo")
    return project


@pytest.mark.parametrize("table", TABLES)
def test_a_lake_that_grew_gives_the_rows_of_a_full_build(project: Project, table: str) -> None:
    rows = f"select * from marts.{table} order by all"
    assert project.rows("grown", rows) == project.rows("fresh", rows)
    assert project.rows("fresh", f"select count(*) > 0 from marts.{table}") == [(True,)]


SLOTS = """
    select slo_id, deployment_environment, service_namespace, service_name, slot_time,
        good_count, valid_count, excluded_count, state
    from marts.fct_sli_5m where {} order by all
"""
MAINTAINED = """
    slo_id = 'api-availability' and deployment_environment = 'production'
    and slot_time >= '2026-11-16 06:00:00+00' and slot_time < '2026-11-16 12:00:00+00'
"""


def test_maintenance_leaves_events_out_and_says_how_many(corrected: Project) -> None:
    before, after = (corrected.rows(w, SLOTS.format(MAINTAINED)) for w in ("fresh", "corrected"))
    assert sum(row[6] for row in before) > 0
    assert [(*row[:5], 0, 0, row[6], "maintenance") for row in before] == after
    others = SLOTS.format(f"slo_id <> 'login-success' and not ({MAINTAINED})")
    assert corrected.rows("fresh", others) == corrected.rows("corrected", others)


def test_a_restatement_adds_to_its_slot_and_to_the_budget(corrected: Project) -> None:
    slot = """
        select good_count, valid_count, restated_good_count, restated_valid_count from marts.fct_sli_5m
        where slo_id = 'login-success' and slot_time = '2026-11-16 03:00:00+00'
    """
    assert corrected.rows("corrected", slot) == [(40, 41, 40, 41)]
    budget = """
        select event_date, valid_count, bad_count from marts.fct_slo_budget_daily
        where slo_id = 'login-success' and deployment_environment = 'production' order by event_date
    """
    expected = [(date, valid + 41, bad + 1) for date, valid, bad in corrected.rows("fresh", budget)]
    assert corrected.rows("corrected", budget) == expected


def test_a_correction_that_makes_no_sense_fails_its_test(corrected: Project) -> None:
    seed = corrected.dbt / "seeds/slo_corrections.csv"
    seed.write_text(CORRECTIONS.replace("06:00:00", "06:01:00").replace("restate,40,41", "restate,40,"))
    results = corrected.build("invalid", "--select", "slos", "slo_corrections", is_failing=True)
    assert [r["failures"] for name, r in results.items() if name.startswith("slo_corrections_are_valid")] == [2]
