"""`otelmart demo`: days of a demo shop's telemetry as OTLP files, with the truth about it beside them."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pipelines.cli.stopping import stopped_by_sigterm
from pipelines.errors import UsageError


@click.command(epilog="Example: otelmart demo --to .otelmart/demo --seed 7 --days 3")
@click.option(
    "--to", "out", metavar="DIR", type=click.Path(path_type=Path), default=Path(".otelmart/demo"), show_default=True,
    help="Where the files go.",
)  # fmt: skip
@click.option("--seed", metavar="N", type=int, default=7, show_default=True, help="Same seed, same bytes.")
@click.option("--days", metavar="N", type=click.IntRange(1, 90), default=3, show_default=True, help="UTC days.")
@click.option(
    "--users", metavar="N", type=click.IntRange(1, 20_000), default=2400, show_default=True,
    help="Customers with an account; about 40 spans a customer and day.",
)  # fmt: skip
@click.option(
    "--start", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), default="2026-11-16", show_default=True,
    help="First day (UTC).",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a demo that is already in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(out: Path, seed: int, days: int, users: int, start: datetime, force: bool, as_json: bool) -> None:
    """Write days of a demo shop's telemetry: traces, logs and metrics as a collector would write them.

    Beside the requests lie manifest.jsonl (receive times), truth.json (what really happened, for tests to hold results
    to) and outside_counts.json (rows sent, for reconciliation).
    """
    if not 1971 <= start.year <= 2200:
        raise UsageError(f"--start {start.date()}: choose a date of the years 1971 to 2200")
    parameters = {"seed": seed, "start": start.date().isoformat(), "days": days, "users": users}
    if _is_there_already(out, parameters, force):
        click.echo(f"{out}: this demo is already there, nothing to do (--force writes it again)", err=True)
    else:
        from pipelines.demo.generate import generate

        with stopped_by_sigterm():
            generate(out, seed, days, users, start.date(), lambda line: click.echo(line, err=True))
    summary = _summary(out)
    click.echo(f"{out}: {summary['files']:,} files, {summary['bytes'] / 1e6:,.1f} MB", err=True)
    if as_json:
        click.echo(json.dumps(summary))


def _is_there_already(out: Path, parameters: dict[str, object], force: bool) -> bool:
    """Whether `out` holds this very demo. Clears away another one when `force`; refuses anything else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    truth = out / "truth.json"
    there = _parameters(truth)
    if there.keys() != parameters.keys() or not (out / "manifest.jsonl").is_file():
        raise UsageError(f"{out} exists and holds no demo: choose another --to, an empty or new directory")
    if force:
        shutil.rmtree(out)
        return False
    if there == parameters:
        return True
    different = ", ".join(f"--{name} {value}" for name, value in there.items() if parameters[name] != value)
    raise UsageError(f"{out} holds another demo ({different}): choose another --to, or replace it with --force")


def _parameters(truth: Path) -> dict[str, object]:
    """What a demo was made with, by its truth.json; nothing where that is none of a demo."""
    try:
        told = json.loads(truth.read_text())
    except (OSError, ValueError):
        return {}
    parameters = told.get("parameters") if isinstance(told, dict) else None
    return parameters if isinstance(parameters, dict) else {}


def _summary(out: Path) -> dict[str, Any]:
    truth = json.loads((out / "truth.json").read_text())
    manifest = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    rows: dict[str, int] = {}
    for row in truth["rows"]:
        rows[row["table_name"]] = rows.get(row["table_name"], 0) + row["row_count"]
    size = sum(line["bytes"] for line in manifest)
    return {**truth["parameters"], "files": len(manifest), "bytes": size, "rows": rows}
