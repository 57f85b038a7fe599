"""What the import rules cannot say, and what a wheel must hold."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines.cli import VERBS


@pytest.mark.parametrize("module", ["pipelines.decode", "pipelines.decode.reference", "pipelines.payloads"])
def test_the_core_loads_no_cloud_client_and_no_beam(module: str) -> None:
    code = f"import sys, {module}; print(*(m for m in sys.modules if m.startswith(('google.cloud.', 'apache_beam'))))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"


def test_the_wheel_ships_pipelines_schemas_and_the_dbt_project(repo: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True, cwd=repo)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {"pipelines/graph.py", "schemas/traces.json", "schemas/privacy.json"} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"pipelines", "schemas"}
    tracked = subprocess.run(["git", "ls-files", "dbt"], check=True, capture_output=True, text=True, cwd=repo).stdout
    shipped = {name.removeprefix("pipelines/shipped/") for name in names if name.startswith("pipelines/shipped/dbt/")}
    assert shipped == set(tracked.splitlines())


def test_the_lock_file_names_no_address(repo: Path) -> None:
    lock = (repo / "requirements.lock").read_text()
    assert "://" not in lock
    assert lock.count("--hash=sha256:") > lock.count("==")


def test_the_lock_file_of_the_apps_names_no_registry(repo: Path) -> None:
    lock = (repo / "tests" / "stack" / "sdks" / "node" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 200


def test_the_readme_lists_every_verb(repo: Path) -> None:
    table = re.search(r"\n\| verb \|.*\n\n", (repo / "README.md").read_text(), re.DOTALL)
    assert table
    rows = re.findall(r"^\| (`.*?) \|", table[0].split("\n\n")[0], re.MULTILINE)
    assert sorted(verb for row in rows for verb in re.findall(r"`([a-z]+)", row)) == sorted(VERBS)
