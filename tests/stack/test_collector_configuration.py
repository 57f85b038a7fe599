"""The gateway's two configurations and the two manifests are equal but for the exporters, and all that comes is kept.

Needs only Python, so it is no test of the stack; test_collector.py runs the configuration in a collector.
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.api_core.exceptions import PermissionDenied

from pipelines.sources.pubsub import ACK_DEADLINE_SECONDS, RETENTION_DAYS, refused

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


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_marts_count_orders_payments_and_log_records_by_is_never_masked(name: str) -> None:
    promoted = json.loads((REPO / "schemas" / "promoted_attributes.json").read_text())["columns"]
    counted = ("log_record_uid", "order_id", "payment_id", "payment_transaction_id")
    keys = {key for each in promoted if each["column"] in counted for key in each["attributes"]}
    assert set(read(DEPLOY / name)["processors"]["redaction/secrets"]["ignored_keys"]) == keys


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_volume_that_is_named_holds_all_queues_full(name: str) -> None:
    """Requests of 2 to 5 kB take 1.26 of their bytes in the collector's file storage, those of 200 kB 1.08."""
    exporters = read(DEPLOY / name)["exporters"].values()
    queued = sum(told["sending_queue"]["queue_size"] for told in exporters if "sending_queue" in told)
    (volume_gb,) = re.findall(r"fit in a volume of (\d+) GB", (DEPLOY / name).read_text())
    assert int(volume_gb) * 10**9 > 1.26 * queued


def test_what_the_gateway_publishes_is_what_worker_dataflow_and_alert_read() -> None:
    """One topic for three signals, and the one subscription to it; by the commands that make them."""
    exporters = read(DEPLOY / "gateway.yaml")["exporters"]
    topics = {name: told["topic"] for name, told in exporters.items() if kind(name) == "googlecloudpubsub"}
    (container,) = read(REPO / "deploy/kubernetes/worker.yaml")["spec"]["template"]["spec"]["containers"]
    alert = json.loads((REPO / "deploy/monitoring/pubsub_backlog_age.json").read_text())["conditions"][0]
    said = (REPO / "deploy/dataflow/README.md").read_text() + (REPO / "deploy/dataflow/launch").read_text()
    made = [shlex.split(line) for line in commands() if line.startswith("gcloud pubsub subscriptions create otlp ")]

    topic = "projects/${env:GOOGLE_CLOUD_PROJECT}/topics/otlp"
    assert topics == {f"googlecloudpubsub/{signal}": topic for signal in ("traces", "logs", "metrics")}
    assert "gcloud pubsub topics create otlp --project=PROJECT" in commands()
    assert [words[5:7] for words in made] == [["--project=PROJECT", "--topic=otlp"]]
    assert "--from=pubsub:projects/PROJECT/subscriptions/otlp" in container["args"]
    assert 'resource.labels.subscription_id = "otlp"' in alert["conditionThreshold"]["filter"]
    assert set(re.findall(r"--from pubsub:projects/[^/]+/subscriptions/(\S+)", said)) - {"NAME"} == {"otlp"}


def test_the_subscription_is_made_as_doctor_wants_it() -> None:
    (made,) = [line for line in commands() if line.startswith("gcloud pubsub subscriptions create otlp ")]
    assert f"--ack-deadline={ACK_DEADLINE_SECONDS}" in made
    assert f"--message-retention-duration={RETENTION_DAYS}d" in made
    assert "--expiration-period=never" in made
    assert "filter" not in made
    assert "dead-letter" not in made


def test_the_worker_gets_the_roles_that_it_asks_for() -> None:
    granted = [line for line in commands() if "--member=serviceAccount:WORKER" in line]
    asked = str(refused(PermissionDenied("no"), "projects/p/subscriptions/otlp"))  # type: ignore[no-untyped-call]
    assert [re.findall(r"--role=(\S+)", line) for line in granted] == [
        [role] for role in re.findall(r"roles/\S+", asked)
    ]


def commands() -> list[str]:
    """Lines of the README, a command with its continuation as one."""
    return (DEPLOY / "README.md").read_text().replace("\\\n", " ").splitlines()


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
