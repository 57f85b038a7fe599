"""`otelmart build --project DIR` where there is no DIR: a copy of the project whose rules can be edited."""

import subprocess
from pathlib import Path

from pipelines.cli.build import PROJECT, _project


def test_the_copy_holds_every_file_of_the_project(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True)
    _project(tmp_path / "rules")
    copied = {path.relative_to(tmp_path / "rules").as_posix() for path in (tmp_path / "rules").rglob("*")}
    assert set(listed.stdout.split()) <= copied
    assert "target" not in copied
