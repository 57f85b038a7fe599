"""What deploy/kubernetes/ runs are commands that exist: their arguments are parsed by the command itself."""

import re
import shlex
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dbt.cli.main import cli as dbt

from pipelines.cli import main
from pipelines.cost.inputs import catalog
from pipelines.sinks import bigquery
from pipelines.sources import pubsub
from pipelines.sources.compression import Limits
from pipelines.worker.process import UNFOLDED_TIMES


@pytest.fixture
def builds(repo: Path) -> list[dict[str, Any]]:
    """The specs of the jobs that build."""
    jobs = list(yaml.safe_load_all((repo / "deploy" / "kubernetes" / "dbt-build.yaml").read_text()))
    assert [job["kind"] for job in jobs] == ["CronJob", "CronJob"]
    return [job["spec"] for job in jobs]


def test_builds_are_commands_that_exist(builds: list[dict[str, Any]]) -> None:
    for build in builds:
        (container,) = build["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        parsed(container["args"])


def test_no_two_builds_run_at_once(builds: list[dict[str, Any]]) -> None:
    spans = []
    for build in builds:
        assert build["concurrencyPolicy"] == "Forbid"
        longest = build["startingDeadlineSeconds"] + build["jobTemplate"]["spec"]["activeDeadlineSeconds"]
        spans += [(start, start + longest) for start in starts(build["schedule"])]
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise([*spans, (spans[0][0] + 86_400, 0)]))


def test_the_build_that_tests_is_the_first_after_a_date_has_ended(builds: list[dict[str, Any]]) -> None:
    """A build tests the dates that it rebuilds: any before it would take the date that has ended from it."""
    first = min(builds, key=lambda build: min(starts(build["schedule"])))
    assert first["timeZone"] == "Etc/UTC"
    for build in builds:
        (container,) = build["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert parsed(container["args"])["tests"] == (build is first)


def test_as_many_builds_cost_as_are_scheduled(repo: Path, builds: list[dict[str, Any]]) -> None:
    prices = catalog(yaml.safe_load((repo / "deploy" / "cost" / "prices.yaml").read_text()))
    assert sum(len(starts(build["schedule"])) for build in builds) == prices.assumed("builds_a_day")


def starts(schedule: str) -> list[int]:
    """Seconds of the day of a schedule with one minute, hours and ranges of them, of every day."""
    minute, hours, *days = schedule.split()
    assert days == ["*"] * 3
    ranges = [each.partition("-") for each in hours.split(",")]
    return [
        hour * 3600 + int(minute) * 60
        for first, _, last in ranges
        for hour in range(int(first), int(last or first) + 1)
    ]


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


def test_every_job_of_dbt_is_told_the_project_of_the_worker(repo: Path) -> None:
    folder = repo / "deploy" / "kubernetes"
    (told,) = re.findall(r"--to=bigquery:(\w+)\.observability", (folder / "worker.yaml").read_text())
    jobs = [
        job for name in ("dbt-build", "freshness") for job in yaml.safe_load_all((folder / f"{name}.yaml").read_text())
    ]
    for job in jobs:
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert {"name": "OTELMART_BIGQUERY_PROJECT", "value": told} in container["env"]


def test_the_readme_makes_what_the_manifests_name_and_leaves_no_place_to_fill_in(repo: Path) -> None:
    folder = repo / "deploy" / "kubernetes"
    told = (folder / "README.md").read_text()
    (edit,) = re.findall(r"sed (.+) deploy/kubernetes/\$name\.yaml", told)
    (names,) = re.findall(r"for name in (.+); do", told)
    assert sorted(f"{name}.yaml" for name in names.split()) == sorted(path.name for path in folder.glob("*.yaml"))
    for name in names.split():
        edited = subprocess.check_output(["sed", *shlex.split(edit), folder / f"{name}.yaml"], text=True)
        assert not re.search(r"\bPROJECT\b", edited)
        for manifest in yaml.safe_load_all(edited):
            pod = manifest["spec"].get("jobTemplate", manifest)["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            assert f"kubectl create serviceaccount {pod['serviceAccountName']}\n" in told
            assert f"docker push {container['image']}\n" in told
            secrets = [each["valueFrom"]["secretKeyRef"] for each in container["env"] if "valueFrom" in each]
            for secret in secrets:
                assert f"kubectl create secret generic {secret['name']} --from-literal={secret['key']}=" in told
            assert {"name": "OTELMART_BIGQUERY_PROJECT", "value": "shop-prod"} in container["env"] or secrets


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


def test_the_worker_is_let_finish_its_checks_before_it_is_taken_for_dead(repo: Path) -> None:
    deployment = yaml.safe_load((repo / "deploy" / "kubernetes" / "worker.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    calls_of_pubsub, calls_of_a_read = 2, 2  # see sources/pubsub.py, sinks/storage_read.py
    longest = (
        calls_of_pubsub * pubsub.CHECK_SECONDS + (len(bigquery.WRITTEN) + calls_of_a_read) * bigquery.CHECK_SECONDS
    )
    probe = container["startupProbe"]
    assert probe["httpGet"]["path"] == "/healthz"
    assert probe["periodSeconds"] * probe["failureThreshold"] > 2 * longest


def test_the_worker_has_memory_for_its_largest_batch(repo: Path) -> None:
    """Three requests of 420,000 gauge points, 54 MB each, are as much as a batch unfolds to: the process peaked at
    1,208 MB, the one that holds the processes at 132."""
    deployment = yaml.safe_load((repo / "deploy" / "kubernetes" / "worker.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    options = parsed(container["args"])
    assert options["batch_bytes"] * UNFOLDED_TIMES + Limits().message_bytes <= 3 * 54 << 20
    limit_gib = int(container["resources"]["limits"]["memory"].removesuffix("Gi"))
    assert limit_gib << 10 > options["processes"] * 1208 + 132


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
