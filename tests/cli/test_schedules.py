"""Schedules under deploy/ run commands that exist: their arguments are parsed by the command itself."""

from pathlib import Path

import click
import pytest
import yaml

from pipelines.cli import main

SCHEDULES = {"otelmart-build-hourly": "7 * * * *", "otelmart-build-daily": "37 3 * * *"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_runs_a_command_that_exists_and_never_two_at_once(repo: Path, name: str) -> None:
    documents = list(yaml.safe_load_all((repo / "deploy" / "kubernetes" / "dbt-build.yaml").read_text()))
    (job,) = [document for document in documents if document["metadata"]["name"] == name]
    assert (job["kind"], job["spec"]["schedule"]) == ("CronJob", SCHEDULES[name])
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    verb, *arguments = container["args"]
    context = click.Context(main, info_name="otelmart")
    command = main.get_command(context, verb)
    assert command is not None
    command.make_context(verb, arguments, parent=context)
