"""The job as DataflowRunner translates it, offline: what a submitted job, and an update of one, would depend on."""

import base64
import bz2
import pickletools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.internal.gcp import auth
from apache_beam.portability.api import beam_runner_api_pb2

from pipelines import streaming
from pipelines.streaming_options import pipeline_of

pytestmark = pytest.mark.graph
# Names of steps, in the order of the data. An update of a running job keeps what a step holds by its name: one that
# changes here needs --transform-name-mappings, or a drain.
STEPS = [
    "Read messages/Read",
    "Read messages/ParDo(_AddMetricsPassThrough)",
    "Read messages/Map(_from_proto_str)",
    "Commit messages/Key messages",
    "Commit messages/Gather batches",
    "Commit messages/Commit batches",
]
OWN = STEPS[3:]
KEY = "secret:projects/shop-prod/secrets/otelmart-privacy-key/versions/1"
PARAMETERS = [
    "--otlp_subscription=projects/shop-prod/subscriptions/otlp",
    "--sink=bigquery:shop-prod.observability",
    f"--privacy_key={KEY}",
    "--sdk_container_image=europe-docker.pkg.dev/shop-prod/otelmart/dataflow:0.1.0",
]
DATAFLOW = [
    *("--runner=DataflowRunner", "--dry_run=True", "--project=shop-prod", "--region=europe-west1", "--job_name=otlp"),
    *("--temp_location=gs://shop-temp/temp", "--staging_location=gs://shop-temp/staging"),
]


def translated(pipeline_of: Callable[[], beam.Pipeline]) -> Any:
    """The graph that Dataflow would get. No credentials are looked for: there are none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth._Credentials, "_credentials_init", True)
        pipeline = pipeline_of()
        pipeline.run()
        return pipeline.runner.proto_pipeline


def steps_of(graph: Any) -> dict[str, Any]:
    """The steps that do something, by name."""
    transforms = graph.components.transforms.values()
    return {each.unique_name: each for each in transforms if each.spec.urn and not each.subtransforms}


@pytest.fixture(scope="module")
def graph() -> Any:
    return translated(lambda: pipeline_of([*DATAFLOW, *PARAMETERS, "--batch_bytes=2097152"]))


@pytest.fixture(scope="module")
def steps(graph: Any) -> dict[str, Any]:
    return steps_of(graph)


def parameter(step: Any) -> Any:
    return beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload)


def function(step: Any) -> Any:
    return pickler.loads(parameter(step).do_fn.payload)[0]


def pickled_texts(step: Any) -> set[str]:
    """Every text in the pickle of a step's function."""
    pickled = bz2.decompress(base64.b64decode(parameter(step).do_fn.payload))
    return {argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)}


def urns(graph: Any, coder_id: str) -> list[str]:
    """The URN of a coder and of those it is made of."""
    coder = graph.components.coders[coder_id]
    return [coder.spec.urn, *(urn for part in coder.component_coder_ids for urn in urns(graph, part))]


def outputs(graph: Any, step: Any) -> list[str]:
    (collection,) = step.outputs.values()
    return urns(graph, graph.components.pcollections[collection].coder_id)


def test_steps_have_their_names_and_one_reads_pubsub(steps: dict[str, Any]) -> None:
    assert sorted(steps) == sorted(STEPS)
    read = steps["Read messages/Read"]
    assert read.spec.urn == "beam:transform:pubsub_read:v1"
    payload = beam_runner_api_pb2.PubSubReadPayload.FromString(read.spec.payload)
    assert (payload.subscription, payload.with_attributes) == ("projects/shop-prod/subscriptions/otlp", True)
    assert {steps[name].spec.urn for name in STEPS[1:]} == {"beam:transform:pardo:v1"}


def test_each_step_reads_what_the_one_before_wrote(steps: dict[str, Any]) -> None:
    wrote = [next(iter(steps[name].outputs.values())) for name in STEPS]
    assert [list(steps[name].inputs.values()) for name in STEPS[1:]] == [[each] for each in wrote[:-1]]


def test_elements_and_state_have_coders_that_every_runner_knows(graph: Any, steps: dict[str, Any]) -> None:
    known = {f"beam:coder:{name}:v1" for name in ("kv", "varint", "bytes", "iterable", "global_window", "timer")}
    assert outputs(graph, steps[OWN[0]]) == ["beam:coder:kv:v1", "beam:coder:varint:v1", "beam:coder:bytes:v1"]
    assert outputs(graph, steps[OWN[1]])[:3] == ["beam:coder:kv:v1", "beam:coder:varint:v1", "beam:coder:iterable:v1"]
    states = parameter(steps[OWN[1]]).state_specs
    assert urns(graph, states["messages"].bag_spec.element_coder_id) == ["beam:coder:bytes:v1"]
    assert urns(graph, states["held_bytes"].read_modify_write_spec.coder_id) == ["beam:coder:varint:v1"]

    # Beam itself has no coder for the messages it reads; that step runs in one with the next, so none are written
    pickled = {
        name
        for name, collection in graph.components.pcollections.items()
        if not {*urns(graph, collection.coder_id)} <= known
    }
    assert pickled == set(steps["Read messages/Map(_from_proto_str)"].outputs.values())


def test_batches_are_bounded_by_bytes_and_time(steps: dict[str, Any]) -> None:
    gather = function(steps["Commit messages/Gather batches"])
    assert isinstance(gather, streaming.GatherBatches)
    assert (gather._batch_bytes, gather._batch_seconds) == (2 << 20, 10.0)
    timers = parameter(steps["Commit messages/Gather batches"]).timer_family_specs
    domains = sorted(timer.time_domain for timer in timers.values())
    assert domains == [beam_runner_api_pb2.TimeDomain.EVENT_TIME, beam_runner_api_pb2.TimeDomain.PROCESSING_TIME]


@pytest.mark.parametrize("name", OWN)
def test_functions_are_pickled_by_name(steps: dict[str, Any], name: str) -> None:
    texts = pickled_texts(steps[name])
    assert function(steps[name]).__class__.__module__ == "pipelines.streaming"
    assert "pipelines.streaming" in texts  # found there by the worker
    assert not {text for text in texts if "__main__" in text or text.startswith(("_make_", "test_"))}


def test_the_graph_says_where_the_key_is(graph: Any, steps: dict[str, Any]) -> None:
    commit = function(steps["Commit messages/Commit batches"])
    assert commit._settings.privacy_key == KEY
    assert len(graph.SerializeToString()) < 1 << 20  # Dataflow takes job requests up to 10 MB


def test_the_templates_main_runs_and_says_what_is_missing_in_one_line(repo: Path) -> None:
    main = [sys.executable, str(repo / "deploy" / "dataflow" / "template.py")]
    done = subprocess.run([*main, *DATAFLOW, *PARAMETERS[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == (
        "otelmart dataflow: --otlp_subscription is missing. Subscription to read OTLP from: "
        "projects/PROJECT/subscriptions/NAME.\n"
    )
