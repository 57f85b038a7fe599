"""`otelmart build`: run dbt over a lake (or over BigQuery) and say in a few lines what became of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from difflib import get_close_matches
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import answers, model_reads, options, project_copy
from pipelines.cli.stopping import stopped_by_sigterm
from pipelines.errors import RunError, UsageError
from pipelines.render import funnel_seeds

if TYPE_CHECKING:
    from pipelines.cloud_storage import Objects

DEFAULT_WAREHOUSE = Path(".otelmart/warehouse.duckdb")
_SHOWN_ROWS = 3
_OTHER_FILES = {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet"}
_FAILED = ("error", "fail", "runtime error")
_HEADLINE = re.compile(r"(?:Encountered an error|\w+ Error)(?: in \w+ \S+ \((?P<place>.+)\))?:?")
_CURES = {
    "Could not set lock on file": "the warehouse is open in another program: close it and run the same command again",
    "on this incremental model are out of sync": "a model has other columns now: run otelmart build --full-refresh",
    "failed to offload data block": "no room on the disk of the warehouse: free some, or give more --memory",
    "Out of Memory Error": "DuckDB has too little memory for it: build with more of it, for example --memory 6GiB",
    "not provided: 'OTELMART_BIGQUERY_PROJECT'": "of which project? export OTELMART_BIGQUERY_PROJECT=PROJECT",
    "default credentials were not found": "no Google credentials: run `gcloud auth application-default login`",
}


@click.command(epilog="Example: otelmart build --lake .otelmart/lake --warehouse .otelmart/warehouse.duckdb")
@options.lake_directory
@click.option(
    "--warehouse",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="OTELMART_WAREHOUSE",
    default=DEFAULT_WAREHOUSE,
    show_default=True,
    help="DuckDB file that holds the marts.",
)
@click.option(
    "--project",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="OTELMART_PROJECT",
    help="dbt project with your own rules; if it is not there, made: a copy of otelmart's, which is the default.",
)
@click.option(
    "--target",
    type=click.Choice(["local", "bigquery"]),
    default="local",
    show_default=True,
    help="DuckDB, or BigQuery of the project that OTELMART_BIGQUERY_PROJECT names.",
)
@click.option("--full-refresh", is_flag=True, help="Rebuild every date, not only those the ledger says changed.")
@click.option("--select", metavar="MODELS", multiple=True, help="Only these models, in dbt's syntax: +fct_sessions.")
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="Set a variable of dbt/dbt_project.yml.")
@click.option("--tests/--no-tests", default=True, show_default=True, help="Test the dates that were rebuilt.")
@click.option(
    "--memory",
    "memory_bytes",
    type=options.ByteSize(),
    envvar="OTELMART_BUILD_MEMORY",
    default="3GiB",
    show_default=True,
    help="What DuckDB holds at most; what does not fit goes to disk, beside the warehouse.",
)
@click.option("--reads", is_flag=True, help="Print also what each model read: seconds, rows and bytes.")
@options.as_json
def command(
    lake: Path | Objects,
    warehouse: Path,
    project: Path | None,
    target: str,
    full_refresh: bool,
    select: tuple[str, ...],
    variables: tuple[str, ...],
    tests: bool,
    memory_bytes: int,
    reads: bool,
    as_json: bool,
) -> None:
    """Build the marts from the lake with dbt: the dates whose ledger entries changed since the last complete build."""
    from pipelines.compaction import reading
    from pipelines.report.warehouse import check_free

    project = project_copy.project(project)
    funnel_seeds.check(project / "seeds")
    folder = options.DEFAULT_LAKE
    if target == "local":
        folder = options.existing_lake(lake)
        if options.readable(warehouse).suffix in _OTHER_FILES:
            raise UsageError(f"--warehouse {warehouse}: DuckDB takes {warehouse.suffix} for another kind of file")
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        answers.once_free(lambda: check_free(warehouse))
    arguments = ["--full-refresh"] if full_refresh else []
    arguments += ["--select", *select] if select else []
    arguments += ["--vars", json.dumps(_variables(variables, project))] if variables else []
    arguments += ["--exclude-resource-type", "unit_test", *([] if tests else ["test"])]
    started = perf_counter()
    with reading(folder) if target == "local" else nullcontext():
        results = run_dbt(arguments, folder, warehouse, target, project, memory_bytes)
    if not results:
        raise UsageError(f"--select {' '.join(select)}: no model, seed or test of that name in {project / 'models'}")
    seconds, built = perf_counter() - started, warehouse if target == "local" and not select else None
    summary = _summary(results, built, full_refresh, seconds)
    summary["reads"] = model_reads.of(results, warehouse if target == "local" else None)
    shown = [_text(summary), *(model_reads.lines(summary["reads"]) if reads else [])]
    click.echo(json.dumps(summary) if as_json else "\n".join(shown), err=False)
    if summary["failures"]:
        raise RunError(f"{len(summary['failures'])} failed; the dates stay due, so the next build does them again")


def run_dbt(
    arguments: list[str], lake: Path, warehouse: Path, target: str, project: Path, memory_bytes: int
) -> list[dict[str, Any]]:
    """Results of `dbt build`, one per model, seed and test. Raises RunError when dbt could not begin."""
    state = warehouse.resolve().parent / "dbt"
    results_path = state / "target" / "run_results.json"
    results_path.unlink(missing_ok=True)
    told = {
        "OTELMART_LAKE": str(lake.resolve()),
        "OTELMART_WAREHOUSE": str(warehouse.resolve()),
        "OTELMART_BUILD_MEMORY": f"{memory_bytes}B",
    }
    with stopped_by_sigterm():
        process = subprocess.run(
            [sys.executable, "-m", "pipelines.dbt_process", state / "logs", "build", "--target", target,
             "--project-dir", project, "--profiles-dir", project, "--target-path", state / "target",
             "--log-path", state / "logs", *arguments],
            env=os.environ | told,
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    if process.returncode < 0:
        killed = f"dbt was killed by signal {-process.returncode}, as a machine without memory left does"
        raise RunError(f"{killed}: build again, or with less --memory; the dates stay due")
    results = _results(results_path)
    failed = [r for r in results if r["status"] in _FAILED]
    broken_hooks = [r["message"] for r in failed if r["unique_id"].startswith("operation.")]
    if broken_hooks or (process.returncode and not failed):  # what a hook raises is no result
        raise RunError(_one_line([*broken_hooks, *_errors(process.stdout), process.stderr][0]))
    return [r for r in results if not r["unique_id"].startswith("operation.")]


def _results(path: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text())["results"] if path.exists() else []
    except json.JSONDecodeError:
        raise RunError(f"dbt could not write all of {path}: free some room on its disk and build again") from None
    return found


def _variables(assignments: tuple[str, ...], project: Path) -> dict[str, int | str]:
    """{name: value} of NAME=VALUE texts; whole numbers become integers. dbt itself judges the values."""
    import yaml

    known: dict[str, Any] = yaml.safe_load((project / "dbt_project.yml").read_text())["vars"]
    variables: dict[str, int | str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"--var {assignment}: write NAME=VALUE, for example --var session_gap_minutes=30")
        if name not in known:
            near = get_close_matches(name, known, 1)
            cure = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
            raise UsageError(f"--var {assignment}: no variable {name!r}; {cure}")
        variables[name] = int(value) if value.lstrip("-").isdigit() else value
    return variables


def _errors(said: str) -> list[str]:
    """Texts of the errors that dbt's process said, among what others may print."""
    return [json.loads(line) for line in said.splitlines() if line.startswith('"')]


def _one_line(message: str) -> str:
    """What matters of a dbt error: its cure if we know one, else its file, unless a macro said it, and its text."""
    for sign, cure in _CURES.items():
        if sign in message:
            return cure
    text, in_macro, _ = message.partition("> in macro")
    lines = [line.strip() for line in text.partition("Possible fixes:")[0].splitlines() if line.strip()]
    places = [found["place"] for line in lines if (found := _HEADLINE.fullmatch(line))]
    told = [f"{place}:" for place in places if place and not in_macro]
    told += [line for line in lines if not _HEADLINE.fullmatch(line)]
    return " ".join(told or lines or ["dbt stopped without a word; see .otelmart/dbt/logs/dbt.log"])


def _summary(
    results: list[dict[str, Any]], warehouse: Path | None, full_refresh: bool, seconds: float
) -> dict[str, Any]:
    kinds = [r["unique_id"].split(".")[0] for r in results]
    failures = [
        {
            "name": r["unique_id"].split(".")[2],
            "kind": kind,
            "message": _one_line(r["message"] or ""),
            "rows": r["failures"],
        }
        for kind, r in zip(kinds, results, strict=True)
        if r["status"] in _FAILED
    ]
    warnings = [
        {"name": r["unique_id"].split(".")[2], "rows": r["failures"], "examples": _examples(r, warehouse)}
        for r in results
        if r["status"] == "warn"
    ]
    return {
        "model_count": sum(k == "model" and r["status"] == "success" for k, r in zip(kinds, results, strict=True)),
        "test_count": sum(k == "test" and r["status"] in ("pass", "warn") for k, r in zip(kinds, results, strict=True)),
        "skipped_count": sum(r["status"] == "skipped" for r in results),
        "failures": failures,
        "warnings": warnings,
        **(_warehouse_facts(warehouse, full_refresh) if warehouse and warehouse.exists() else {}),
        "seconds": round(seconds, 1),
    }


def _examples(warning: dict[str, Any], warehouse: Path | None) -> list[dict[str, str]]:
    """The first rows that a test found, {column: text}; none where there is no warehouse at hand to ask again."""
    import duckdb

    if not warehouse or not warning["compiled_code"]:
        return []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(f"select * from ({warning['compiled_code']}\n) order by all limit {_SHOWN_ROWS}")
        columns = [column[0] for column in found.description or ()]
        return [{c: str(v) for c, v in zip(columns, row, strict=True)} for row in found.fetchall()]


def _warehouse_facts(warehouse: Path, full_refresh: bool) -> dict[str, Any]:
    """Dates that this build replaced, and rows now in the marts."""
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        dates = connection.execute(
            "select distinct event_date from marts_state.changed_dates where is_changed or $all order by event_date",
            {"all": full_refresh},
        ).fetchall()
        rows = connection.execute(
            "select coalesce(sum(estimated_size), 0) from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
    return {"rebuilt_dates": [str(date) for (date,) in dates], "mart_row_count": int(rows[0][0])}


def _text(summary: dict[str, Any]) -> str:
    dates = summary.get("rebuilt_dates", [])
    shown = f"{dates[0]} to {dates[-1]}" if len(dates) > 1 else "".join(dates)
    parts = [answers.counted(summary["model_count"], "model") + " built"]
    parts += [answers.counted(summary["test_count"], "test") + " passed"] if summary["test_count"] else []
    if "rebuilt_dates" in summary:
        rebuilt = f"{answers.counted(len(dates), 'date')} rebuilt ({shown})"
        parts.append(rebuilt if dates else "no date changed since the last build")
        parts.append(f"{summary['mart_row_count']:,} rows in the marts")
    if summary["skipped_count"]:
        parts.append(f"{summary['skipped_count']} skipped")
    lines = [", ".join(parts) + f", {summary['seconds']} s"]
    lines += [f"failed: {f['kind']} {f['name']}: {f['message']}" for f in summary["failures"]]
    return "\n".join([*lines, *map(_warning_text, summary["warnings"])])


def _warning_text(warning: dict[str, Any]) -> str:
    examples = "; ".join(", ".join(f"{c} {v}" for c, v in row.items()) for row in warning["examples"])
    count = f"{warning['rows']} ({examples})" if examples else warning["rows"]
    return f"warning: {warning['name'].replace('_', ' ')}: {count}; see tests/{warning['name']}.sql of the dbt project"
