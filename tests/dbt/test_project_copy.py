"""`otelmart build --project DIR` where there is no DIR: a copy of the project whose rules can be edited."""

import subprocess
from pathlib import Path

import pytest

from pipelines.cli import project_copy
from pipelines.cli.project_copy import MADE_OF, PROJECT, project


def test_the_copy_holds_every_file_of_the_project(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True)
    project(tmp_path / "rules")
    copied = {path.relative_to(tmp_path / "rules").as_posix() for path in (tmp_path / "rules").rglob("*")}
    assert set(listed.stdout.split()) <= copied
    assert "target" not in copied


def test_a_copy_of_another_release_is_called_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules"
    project(rules)
    (rules / "seeds" / "services.csv").write_text("edited,as,they,are,meant,to,be")
    capsys.readouterr()
    assert (project(rules), capsys.readouterr().err) == (rules, "")

    newer = tmp_path / "newer"
    project(newer)
    (newer / "macros" / "new.sql").write_text("{% macro new() %}{% endmacro %}")
    (newer / MADE_OF).unlink()
    monkeypatch.setattr(project_copy, "PROJECT", newer)
    capsys.readouterr()
    assert project(rules) == rules
    assert capsys.readouterr().err.startswith(f"{rules} is a copy of another otelmart's project, whose models it keeps")
