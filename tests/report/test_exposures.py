"""dbt's exposures name what the report and the dashboards read, no more and no less."""

import re
from pathlib import Path

import pytest
import yaml


@pytest.mark.parametrize(
    ("name", "pattern", "relation"),
    [
        ("report", "pipelines/report/sql/*.sql", r"\bmarts(?:_\w+)?\.(\w+)"),
        ("grafana", "deploy/grafana/dashboards/*.json", r"\${dataset}\.(\w+)"),
    ],
)
def test_an_exposure_depends_on_what_its_queries_read(repo: Path, name: str, pattern: str, relation: str) -> None:
    exposures = yaml.safe_load((repo / "dbt" / "models" / "exposures.yml").read_text())["exposures"]
    (exposure,) = [exposure for exposure in exposures if exposure["name"] == name]
    read = {found for file in repo.glob(pattern) for found in re.findall(relation, file.read_text())}
    assert exposure["depends_on"] == sorted(f"ref('{found}')" for found in read)
