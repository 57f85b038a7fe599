"""What deploy/kubernetes/ runs are commands that exist: their arguments are parsed by the command itself."""

import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dbt.cli.main import cli as dbt

from pipelines.cli import main

SCHEDULES = {"otelmart-build-hourly": "7 * * * *", "otelmart-build-daily": "37 3 * * *"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_runs_a_command_that_exists_and_never_two_at_once(repo: Path, name: str) -> None:
    documents = list(yaml.safe_load_all((repo / "deploy" / "kubernetes" / "dbt-build.yaml").read_text()))
    (job,) = [document for document in documents if document["metadata"]["name"] == name]
    assert (job["kind"], job["spec"]["schedule"]) == ("CronJob", SCHEDULES[name])
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    parsed(container["args"])


def test_freshness_is_asked_every_hour_by_a_command_of_dbt_and_by_no_job_that_builds(repo: Path) -> None:
    job = yaml.safe_load((repo / "deploy" / "kubernetes" / "freshness.yaml").read_text())
    assert (job["kind"], job["spec"]["schedule"]) == ("CronJob", "27 * * * *")
    assert job["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["dbt"]
    source, freshness, *options = container["args"]
    group = dbt.commands[source]
    assert isinstance(group, click.Group)
    context = group.commands[freshness].make_context(freshness, options)
    chosen = {name: context.params[name] for name in ("target", "project_dir", "profiles_dir")}
    assert chosen == {"target": "bigquery", "project_dir": "dbt", "profiles_dir": "dbt"}


def test_the_worker_deployment_runs_a_worker_that_ends_before_it_is_killed(repo: Path) -> None:
    deployment = yaml.safe_load((repo / "deploy" / "kubernetes" / "worker.yaml").read_text())
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    options = parsed(container["args"])
    assert options["sink"].startswith("bigquery:")
    assert options["health"] == ("0.0.0.0", container["ports"][0]["containerPort"])
    assert options["grace"] < pod["spec"]["terminationGracePeriodSeconds"]
    assert pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")} == {
        "/healthz",
        "/readyz",
    }


def test_the_image_copies_what_is_there(repo: Path) -> None:
    lines = (repo / "deploy" / "kubernetes" / "Dockerfile").read_text().splitlines()
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    assert {"pipelines", "schemas", "dbt", "requirements.lock"} <= set(copied)
    assert [name for name in copied if not (repo / name).exists()] == []
    project = tomllib.loads((repo / "pyproject.toml").read_text())
    for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]:
        assert any(name.startswith(f"{folder}/") for folder in copied), name


def parsed(arguments: list[str]) -> dict[str, Any]:
    """The options that `otelmart` understands by its arguments."""
    verb, *rest = arguments
    context = click.Context(main, info_name="otelmart", **main.context_settings)
    command = main.get_command(context, verb)
    assert command is not None
    found: dict[str, Any] = command.make_context(verb, rest, parent=context).params
    return found
