"""The gateway's two configurations and the two manifests are equal but for the exporters, and all that comes is kept.

Needs only Python, so it is no test of the stack; test_collector.py runs the configuration in a collector.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy" / "collector"
STAND_INS = {"googlecloudpubsub": "otlp_http", "googlecloudstorage": "file"}
CONFIGURATIONS = ["gateway.yaml", "gateway-otlphttp.yaml"]


def test_the_configurations_are_equal_but_for_the_exporters() -> None:
    cloud, local = (read(DEPLOY / name) for name in CONFIGURATIONS)
    for pipeline in cloud["service"]["pipelines"].values():
        pipeline["exporters"] = [stand_in(name) for name in pipeline["exporters"]]
    names = [{stand_in(name) for name in cloud.pop("exporters")}, set(local.pop("exporters"))]
    assert names[0] == names[1]
    assert cloud == local


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_nothing_is_sampled_before_it_is_kept(name: str) -> None:
    pipelines = read(DEPLOY / name)["service"]["pipelines"]
    assert {signal: pipelines[signal]["processors"] for signal in ("traces", "logs", "metrics")} == {
        "traces": ["memory_limiter", "redaction/secrets"],
        "logs": ["memory_limiter", "transform/log_record_uid", "redaction/secrets"],
        "metrics": ["memory_limiter", "redaction/secrets"],
    }


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_queue_is_on_disk_and_never_gives_up(name: str) -> None:
    exporters = [told for name, told in read(DEPLOY / name)["exporters"].items() if kind(name) != "file"]
    assert {told["sending_queue"]["storage"] for told in exporters} == {"file_storage"}
    assert {told["retry_on_failure"]["max_elapsed_time"] for told in exporters} == {"0s"}


def test_the_topics_are_those_of_the_signals() -> None:
    exporters = read(DEPLOY / "gateway.yaml")["exporters"]
    project = "projects/${env:GOOGLE_CLOUD_PROJECT}/topics"
    assert {name: told["topic"] for name, told in exporters.items() if kind(name) == "googlecloudpubsub"} == {
        "googlecloudpubsub/traces": f"{project}/otlp-traces",
        "googlecloudpubsub/logs": f"{project}/otlp-logs",
        "googlecloudpubsub/metrics": f"{project}/otlp-metrics",
    }


def test_the_manifests_are_equal_but_for_the_exporters() -> None:
    cloud, local = read(DEPLOY / "builder.yaml"), read(REPO / "tests/stack/collector/builder.yaml")
    exporters = [{module["gomod"].rpartition("/")[2] for module in told.pop("exporters")} for told in (cloud, local)]
    for told in (cloud, local):
        del told["dist"]["description"], told["dist"]["output_path"]
    assert cloud == local
    assert exporters == [
        {"googlecloudpubsubexporter v0.155.0", "googlecloudstorageexporter v0.155.0", "otlpexporter v0.155.0"},
        {"otlphttpexporter v0.155.0", "fileexporter v0.155.0", "otlpexporter v0.155.0"},
    ]


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def kind(name: str) -> str:
    return name.partition("/")[0]


def stand_in(name: str) -> str:
    return name.replace(kind(name), STAND_INS.get(kind(name), kind(name)), 1)
