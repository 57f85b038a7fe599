"""The dbt project that a build takes: otelmart's, or a copy of it whose rules are somebody's own."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

import click

from pipelines.errors import UsageError
from pipelines.shipped import shipped

PROJECT: Final = shipped("dbt")
MADE_OF: Final = ".made_of.sha256"  # in a copy: the fingerprint of what it was made of
_WRITTEN = {"target", "logs", ".user.yml", "__pycache__"}  # by dbt and Python


def project(named: Path | None) -> Path:
    """otelmart's project, or the named one, made as a copy of it if there is none. Raises UsageError."""
    if named is None:
        return PROJECT
    if not named.exists():
        shutil.copytree(PROJECT, named, ignore=_left_behind)
        (named / MADE_OF).write_text(f"{fingerprint()}\n")
        click.echo(f"made {named}: its seeds/ are the rules to edit; build with --project {named}", err=True)
    elif not (named / "dbt_project.yml").is_file():
        raise UsageError(f"--project {named}: no dbt_project.yml in it; name a folder that is not there to get a copy")
    elif (named / MADE_OF).exists() and (named / MADE_OF).read_text().strip() != fingerprint():
        click.echo(
            f"{named} is a copy of another otelmart's project, whose models it keeps: name a folder that is not there "
            "to get a new one, and put your rules into it",
            err=True,
        )
    return named.resolve()


def fingerprint() -> str:
    """SHA-256 of otelmart's project: the names and bytes of its files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in PROJECT.rglob("*") if path.is_file()):
        name = path.relative_to(PROJECT)
        if not _WRITTEN.intersection(name.parts):
            digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _left_behind(folder: str, names: list[str]) -> set[str]:
    return _WRITTEN.intersection(names) if Path(folder) == PROJECT else {"__pycache__"}
