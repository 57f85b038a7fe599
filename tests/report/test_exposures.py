"""dbt's exposures name what the report reads, no more and no less."""

import re
from pathlib import Path

import yaml


def test_the_report_depends_on_the_marts_that_its_questions_read(repo: Path) -> None:
    exposures = yaml.safe_load((repo / "dbt" / "models" / "exposures.yml").read_text())["exposures"]
    (report,) = [exposure for exposure in exposures if exposure["name"] == "report"]
    questions = (repo / "pipelines" / "report" / "sql").glob("*.sql")
    read = {name for question in questions for name in re.findall(r"\bmarts(?:_\w+)?\.(\w+)", question.read_text())}
    assert report["depends_on"] == sorted(f"ref('{name}')" for name in read)
