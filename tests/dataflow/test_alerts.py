"""The alert policies of deploy/monitoring/: what Cloud Monitoring's own types take, and metrics that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml
from google.cloud.monitoring_v3.types import AlertPolicy

from pipelines.sinks.bigquery import WRITTEN
from pipelines.worker.report import Done, Totals

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
POLICIES = sorted(FOLDER.glob("*.json"))
# Google's, by its lists of metrics: cloud.google.com/monitoring/api/metrics_gcp
GOOGLES = {
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age": "pubsub_subscription",
    "dataflow.googleapis.com/job/is_failed": "dataflow_job",
    "dataflow.googleapis.com/job/system_lag": "dataflow_job",
    "bigquerydatatransfer.googleapis.com/transfer_config/completed_runs": "bigquery_dts_config",
}


def queries() -> list[str]:
    conditions = [condition for path in POLICIES for condition in json.loads(path.read_text())["conditions"]]
    return [
        each["conditionPrometheusQueryLanguage"]["query"]
        for each in conditions
        if "conditionPrometheusQueryLanguage" in each
    ]


def filters() -> list[str]:
    conditions = [condition for path in POLICIES for condition in json.loads(path.read_text())["conditions"]]
    return [each["conditionThreshold"]["filter"] for each in conditions if "conditionThreshold" in each]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_is_one_by_googles_types_and_says_what_to_do(path: Path) -> None:
    policy = AlertPolicy.from_json(path.read_text())  # refuses what it does not know
    assert policy.display_name.startswith("otelmart: ")
    assert policy.severity != AlertPolicy.Severity.SEVERITY_UNSPECIFIED
    assert policy.combiner == AlertPolicy.ConditionCombinerType.OR
    assert len(policy.documentation.content) > 100
    assert policy.documentation.mime_type == "text/markdown"
    (condition,) = policy.conditions
    assert bool(condition.condition_threshold.filter) != bool(condition.condition_prometheus_query_language.query)
    assert condition.display_name


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(Exception, match="conditionTreshold"):
        AlertPolicy.from_json('{"conditions": [{"conditionTreshold": {}}]}')


def test_the_workers_metrics_are_those_that_it_exports() -> None:
    totals = Totals()
    totals.add(Done(row_counts=dict.fromkeys(WRITTEN, 1)))
    samples = [sample for family in totals.collect() for sample in family.samples]
    asked = [
        each for query in queries() for each in re.findall(r"(otelmart_worker_\w+)(?:\{table=\"(\w+)\"\})?", query)
    ]
    assert ("otelmart_worker_rows_total", "dead_letters") in asked
    for name, table in asked:
        assert [each for each in samples if each.name == name and (not table or each.labels == {"table": table})]
    texts = " ".join(path.read_text() for path in POLICIES)
    assert set(re.findall(r"otelmart_worker_\w+", texts)) <= {sample.name for sample in samples}


def test_the_jobs_counters_are_those_that_it_counts(repo: Path) -> None:
    asked = {name for query in queries() for name in re.findall(r'job_user_counter\{[^}]*metric_name="(\w+)"', query)}
    assert asked == {"rows_dead_letters"}
    assert asked <= {f"rows_{table}" for table in WRITTEN}
    assert 'f"rows_{table}"' in (repo / "pipelines" / "streaming.py").read_text()


def test_google_metrics_are_asked_of_their_resource() -> None:
    found = {}
    for text in filters():
        (metric,) = re.findall(r'metric\.type = "([^"]+)"', text)
        (found[metric],) = re.findall(r'resource\.type = "([^"]+)"', text)
    assert found == GOOGLES


def test_what_is_scraped_is_the_worker(repo: Path) -> None:
    monitoring = yaml.safe_load((FOLDER / "pod-monitoring.yaml").read_text())["spec"]
    pod = yaml.safe_load((repo / "deploy" / "kubernetes" / "worker.yaml").read_text())["spec"]["template"]
    assert monitoring["selector"]["matchLabels"] == pod["metadata"]["labels"]
    (container,), (endpoint,) = pod["spec"]["containers"], monitoring["endpoints"]
    assert endpoint["port"] in [port["name"] for port in container["ports"]]
    assert endpoint["path"] == pod["metadata"]["annotations"]["prometheus.io/path"]
