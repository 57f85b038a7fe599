"""The Flex Templates: parameters are the options of their jobs, the image copies what is there, launch calls gcloud."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions

from pipelines import backfill_options, streaming_options
from pipelines.backfill_options import filling_of
from pipelines.errors import UsageError
from pipelines.streaming_options import OPTIONS, settings_of
from pipelines.template_options import Option
from tests.dataflow.test_graph import PARAMETERS

IMAGE = "europe-docker.pkg.dev/shop-prod/otelmart/dataflow:0.1.0"
TEMPLATE = "gs://shop-templates/otelmart.json"
PLACE = ["--project", "shop-prod", "--region", "europe-west1"]
STREAMING = [
    *("streaming", *PLACE, "--image", IMAGE, "--template", TEMPLATE),
    *("--from", "pubsub:projects/shop-prod/subscriptions/otlp", "--to", "bigquery:shop-prod.observability"),
    *("--privacy-key", "secret:projects/shop-prod/secrets/otelmart-privacy-key/versions/1"),
]
BATCH = [
    *("batch", *PLACE, "--image", IMAGE, "--template", TEMPLATE),
    *("--from", "gs://shop-otlp/2026/", "--to", "bigquery:shop-prod.observability"),
    *("--privacy-key", "secret:projects/shop-prod/secrets/otelmart-privacy-key/versions/1"),
]
JOBS = {"streaming": streaming_options.OPTIONS, "batch": backfill_options.OPTIONS}


def metadata_of(repo: Path, job: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((repo / "deploy" / "dataflow" / job / "metadata.json").read_text())
    return found


@pytest.fixture(scope="module")
def metadata(repo: Path) -> dict[str, Any]:
    return metadata_of(repo, "streaming")


@pytest.mark.parametrize(("job", "options"), JOBS.items())
def test_the_parameters_are_the_options_of_the_job(job: str, options: tuple[Option, ...], repo: Path) -> None:
    *parameters, image = metadata_of(repo, job)["parameters"]
    assert parameters == [
        {
            "name": option.name,
            "label": option.label,
            "helpText": option.help,
            "isOptional": option.is_optional,
            "regexes": [f"^{option.pattern}$"],
        }
        | ({"defaultValue": option.default} if option.is_optional else {})
        for option in options
    ]
    defaults = PipelineOptions([]).get_all_options(retain_unknown_options=False)
    assert {option.name: option.default for option in options}.items() <= defaults.items()
    assert image["name"] == "sdk_container_image"
    assert hasattr(PipelineOptions([]).view_as(WorkerOptions), "sdk_container_image")
    assert re.fullmatch(image["regexes"][0], IMAGE)


def test_the_template_streams_exactly_once_unless_told_otherwise(metadata: dict[str, Any]) -> None:
    assert [metadata[name] for name in ("streaming", "supportsAtLeastOnce", "supportsExactlyOnce")] == [True] * 3
    assert metadata["defaultStreamingMode"] == "EXACTLY_ONCE"


def test_a_template_says_whether_it_streams_and_explains_every_parameter(repo: Path) -> None:
    assert {job: metadata_of(repo, job)["streaming"] for job in JOBS} == {"streaming": True, "batch": False}
    assert all(each["helpText"].endswith(".") for job in JOBS for each in metadata_of(repo, job)["parameters"])


def test_the_defaults_are_those_of_the_worker() -> None:
    found = settings_of(PipelineOptions(PARAMETERS))
    assert (found.batch_bytes, found.batch_seconds, found.message_bytes) == (8 << 20, 10.0, 64 << 20)
    sooner = settings_of(PipelineOptions([*PARAMETERS, "--sink=bigquery:shop-prod.observability?stream=default"]))
    assert sooner.batch_seconds == 1.0
    assert settings_of(PipelineOptions([*PARAMETERS, "--batch_seconds=3"])).batch_seconds == 3.0


@pytest.mark.parametrize(
    "wrong",
    [
        "--otlp_subscription=projects/shop-prod/topics/otlp",
        "--otlp_subscription=projects/shop/subscriptions/otlp",
        "--sink=lake:somewhere",
        "--sink=bigquery:shop-prod.observability?stream=buffered",
        "--privacy_key=secret:projects/shop-prod/secrets/k/versions/latest",
        "--privacy_key=the key itself",
        "--batch_bytes=8MiB",
        "--batch_bytes=1000",
        "--batch_seconds=601",
        "--shard_count=65",
        "--max_message_bytes=0",
    ],
)
def test_a_value_that_does_not_fit_is_named_with_the_cure(wrong: str) -> None:
    name, _, value = wrong[2:].partition("=")
    with pytest.raises(UsageError) as error:
        settings_of(PipelineOptions([*PARAMETERS, wrong]))
    cure = next(option.help for option in OPTIONS if option.name == name)
    shown = "" if name == "privacy_key" else f" {value!r}"  # it may be the key itself
    assert str(error.value) == f"--{name}{shown} does not fit. {cure}"


def test_the_image_copies_what_is_there_and_starts_what_it_copied(repo: Path) -> None:
    text = (repo / "deploy" / "dataflow" / "Dockerfile").read_text()
    copies = [line.split()[1:] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    copied = [name for *names, _ in copies for name in names]
    assert [name for name in copied if not (repo / name).exists()] == []
    assert {"pipelines", "schemas", "requirements.lock", "deploy/dataflow/template.py"} <= set(copied)
    project = tomllib.loads((repo / "pyproject.toml").read_text())
    for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]:
        assert any(name.startswith(f"{folder}/") for folder in copied), name
    assert "ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/template/template.py" in text
    (beam,) = re.findall(r"^apache-beam\[gcp\]==(\S+)", (repo / "requirements.lock").read_text(), re.MULTILINE)
    assert f"apache/beam_python3.11_sdk:{beam} " in text
    build = yaml.safe_load((repo / "deploy" / "dataflow" / "cloudbuild.yaml").read_text())
    (step,) = build["steps"]
    assert "deploy/dataflow/Dockerfile" in step["args"]
    assert build["images"] == ["${_IMAGE}"]


class Launch:
    """deploy/dataflow/launch with a gcloud that writes down what it is called with."""

    def __init__(self, repo: Path, folder: Path) -> None:
        self._script, self._calls = repo / "deploy" / "dataflow" / "launch", folder / "calls"
        gcloud = folder / "gcloud"
        gcloud.write_text(
            f'#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >> {self._calls}\necho >> {self._calls}\n'
        )
        gcloud.chmod(0o755)
        self._path = f"{folder}:{os.environ['PATH']}"

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": self._path}
        return subprocess.run(
            [str(self._script), *arguments], env=environment, capture_output=True, text=True, cwd="/", timeout=30
        )

    def calls(self) -> list[list[str]]:
        """The arguments of each call."""
        if not self._calls.exists():
            return []
        return [call.split("\n") for call in self._calls.read_text().removesuffix("\n\n").split("\n\n")]


@pytest.fixture
def launch(repo: Path, tmp_path: Path) -> Launch:
    return Launch(repo, tmp_path)


def test_build_makes_the_image_then_both_templates(launch: Launch) -> None:
    assert launch("build", *PLACE, "--image", IMAGE, "--template", TEMPLATE).returncode == 0
    image, streaming, batch = launch.calls()
    assert image == [
        *("builds", "submit", ".", "--project=shop-prod", "--region=europe-west1"),
        *("--config=deploy/dataflow/cloudbuild.yaml", f"--substitutions=_IMAGE={IMAGE}"),
    ]
    written = {"streaming": TEMPLATE, "batch": "gs://shop-templates/otelmart-batch.json"}
    assert [streaming, batch] == [
        [
            *("dataflow", "flex-template", "build", template, "--project=shop-prod", f"--image={IMAGE}"),
            *("--sdk-language=PYTHON", f"--metadata-file=deploy/dataflow/{job}/metadata.json"),
        ]
        for job, template in written.items()
    ]


def test_streaming_gives_every_parameter_as_the_template_wants_it(launch: Launch, metadata: dict[str, Any]) -> None:
    sizes = ["--batch-bytes", "2097152", "--batch-seconds", "5", "--shards", "8", "--max-message-bytes", "1000000"]
    assert launch(*STREAMING, *sizes).returncode == 0
    (call,) = launch.calls()
    assert call[:4] == ["dataflow", "flex-template", "run", "otelmart"]
    given = dict(word.split("=", 2)[1:] for word in call if word.startswith("--parameters="))
    assert given.keys() == {parameter["name"] for parameter in metadata["parameters"]}
    for parameter in metadata["parameters"]:
        assert re.search(parameter["regexes"][0], given[parameter["name"]])
    job = settings_of(PipelineOptions([f"--{name}={value}" for name, value in given.items()]))
    assert (job.batch_bytes, job.batch_seconds, job.shard_count, job.message_bytes) == (2 << 20, 5.0, 8, 1_000_000)
    assert {"--enable-streaming-engine", "--max-workers=10"} <= set(call)
    assert not {"--update", "--additional-experiments=streaming_mode_at_least_once"} & set(call)


def test_streaming_with_defaults_gives_what_is_required(launch: Launch, metadata: dict[str, Any]) -> None:
    assert launch(*STREAMING, "--at-least-once", "--update", "--subnetwork", "regions/r/subnetworks/s").returncode == 0
    (call,) = launch.calls()
    given = {word.split("=", 2)[1] for word in call if word.startswith("--parameters=")}
    assert given == {parameter["name"] for parameter in metadata["parameters"] if not parameter["isOptional"]}
    assert call[-2:] == ["--additional-experiments=streaming_mode_at_least_once", "--update"]
    assert {"--subnetwork=regions/r/subnetworks/s", "--disable-public-ips"} <= set(call)


def test_drain_drains(launch: Launch) -> None:
    assert launch("drain", *PLACE, "--job", "2026-11-28_04_00_00-1").returncode == 0
    assert launch.calls() == [
        ["dataflow", "jobs", "drain", "2026-11-28_04_00_00-1", "--project=shop-prod", "--region=europe-west1"]
    ]


def test_batch_gives_every_parameter_as_its_template_wants_it(launch: Launch, repo: Path) -> None:
    more = ["--dates", "2026-11-01..2026-11-07", "--max-message-bytes", "1000000", "--temp", "gs://shop-temp/t"]
    assert launch(*BATCH, *more).returncode == 0
    (call,) = launch.calls()
    assert call[:4] == ["dataflow", "flex-template", "run", "otelmart-batch"]
    assert "--template-file-gcs-location=gs://shop-templates/otelmart-batch.json" in call
    given = dict(word.split("=", 2)[1:] for word in call if word.startswith("--parameters="))
    parameters = metadata_of(repo, "batch")["parameters"]
    assert given.keys() == {parameter["name"] for parameter in parameters}
    for parameter in parameters:
        assert re.search(parameter["regexes"][0], given[parameter["name"]])
    job = filling_of(PipelineOptions([f"--{name}={value}" for name, value in given.items()]))
    assert (job.source, job.job.sink) == ("gs://shop-otlp/2026/", "bigquery:shop-prod.observability")
    assert (str(job.first), str(job.last), job.job.limits.message_bytes) == ("2026-11-01", "2026-11-07", 1_000_000)
    assert {"--temp-location=gs://shop-temp/t", "--max-workers=10"} <= set(call)
    assert not {"--enable-streaming-engine", "--update"} & set(call)


def test_batch_with_defaults_gives_what_is_required(launch: Launch, repo: Path) -> None:
    assert launch(*BATCH, "--name", "again").returncode == 0
    (call,) = launch.calls()
    assert call[3] == "again"
    given = {word.split("=", 2)[1] for word in call if word.startswith("--parameters=")}
    assert given == {each["name"] for each in metadata_of(repo, "batch")["parameters"] if not each["isOptional"]}


def test_batch_from_here_runs_backfill_on_dataflow(launch: Launch) -> None:
    key = "secret:projects/shop-prod/secrets/otelmart-privacy-key/versions/1"
    dates = ["--dates", "2026-11-01..2026-11-07"]
    edges = ["--from", "gs://shop-otlp/2026/", "--to", "bigquery:shop-prod.observability"]
    edges += ["--privacy-key", key, *dates]
    done = launch("batch", *PLACE, "--image", IMAGE, "--temp", "gs://shop-temp/t", *edges, "--here", "--dry-run")
    assert done.returncode == 0
    command, _, beam_options = done.stdout.partition(" -- ")
    with_dates = [*edges[:4], f"--dates={dates[1]}", "--privacy-key", key]
    assert command.split()[1:] == ["backfill", *with_dates, "--runner", "DataflowRunner"]
    assert PipelineOptions(beam_options.split()).view_as(WorkerOptions).sdk_container_image == IMAGE


def test_a_dry_run_calls_nothing(launch: Launch) -> None:
    assert launch(*STREAMING, "--dry-run").stdout.startswith("gcloud dataflow flex-template run otelmart ")
    assert launch.calls() == []


def test_a_dry_run_needs_no_gcloud(repo: Path, tmp_path: Path) -> None:
    for needed in ("bash", "dirname"):
        (tmp_path / needed).symlink_to(str(shutil.which(needed)))
    launch = [str(repo / "deploy" / "dataflow" / "launch"), "drain", *PLACE, "--job", "j"]
    started = partial(subprocess.run, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    done = started(["/usr/bin/env", *launch, "--dry-run"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gcloud dataflow jobs drain j ")
    assert started(["/usr/bin/env", *launch]).stderr.startswith("launch: there is no gcloud here: install")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to do: build, streaming, batch or drain"),
        (["start"], "unknown verb 'start': build, streaming, batch or drain"),
        (["drain", *PLACE], "--job is missing: write for example --job 2026-01-31_04_00_00-1234567890"),
        (["drain", *PLACE, "--jobs", "x"], "unknown option --jobs"),
        (["drain", *PLACE, "x"], "what is 'x'? options start with --"),
        (["build", "--project"], "--project needs a value, or is no option"),
        (
            [*STREAMING, "--from", "projects/shop-prod/subscriptions/otlp"],
            "--from projects/shop-prod/subscriptions/otlp",
        ),
        ([*STREAMING, "--privacy-key", "hunter2"], "--privacy-key does not fit: write for example"),
        ([*STREAMING, "--shards", "many"], "--shards many is no number above 0"),
        ([*BATCH, "--from", "files:x"], "--from files:x does not fit: write for example"),
        ([*BATCH, "--dates", "yesterday"], "--dates yesterday does not fit: write for example --dates 2026-11-01.."),
        ([*BATCH, "--shards", "8"], "--at-least-once, --update, --batch-* and --shards are for streaming"),
        ([*BATCH, "--here"], "--temp is missing: write for example --temp gs://shop-temp/dataflow"),
        ([*STREAMING, "--dates", "2026-11-01"], "--dates is for batch"),
        ([*STREAMING, "--here"], "--here is for batch"),
    ],
)
def test_a_mistake_is_said_and_nothing_is_called(launch: Launch, arguments: list[str], said: str) -> None:
    done = launch(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"launch: {said}")
    assert done.stderr.endswith("; see deploy/dataflow/launch --help\n")
    assert launch.calls() == []


def test_help_names_every_option_that_is_read(repo: Path, launch: Launch) -> None:
    script = repo / "deploy" / "dataflow" / "launch"
    subprocess.run(["bash", "-n", str(script)], check=True)
    read = set(re.findall(r"^ +(--[a-z-]+)\)", script.read_text(), re.MULTILINE))
    text = launch("--help").stdout
    assert len(read) >= 20
    assert {option for option in read if option not in text} == set()
    assert re.search(r"^Example:$", text, re.MULTILINE)
