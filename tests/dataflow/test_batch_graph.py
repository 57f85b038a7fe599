"""The batch job as DataflowRunner translates it, offline, and what its steps do to files in a directory."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.backfill import UNIT_BYTES, Filling, ListUnits, LoadUnits, ProvePayloads
from pipelines.backfill_options import filling_of, pipeline_of
from pipelines.errors import RunError, UsageError
from pipelines.fill import Job
from pipelines.filled import Filled
from pipelines.sources import files
from pipelines.sources.compression import Limits
from pipelines.sources.contents import File
from pipelines.sources.gcs import Bucket
from pipelines.units import UNIT_FILES, Unit, decoded, encoded
from tests.dataflow.test_graph import (
    DATAFLOW,
    KEY,
    PARAMETERS,
    function,
    outputs,
    pickled_texts,
    steps_of,
    translated,
    urns,
)
from tests.pipeline.telemetry import rows, spans, write

pytestmark = pytest.mark.graph
BATCH = ["--otlp_source=gs://shop-otlp/2026/*.gz", *PARAMETERS[1:]]
OWN = ["List units", "Load units", "Prove payloads"]
MESSAGE_BYTES = 10 << 20  # a request for a job, and an element between two of its steps, should stay below


@pytest.fixture(scope="module")
def graph() -> Any:
    return translated(lambda: pipeline_of([*DATAFLOW, *BATCH, "--dates=2026-11-01..2026-11-07"]))


@pytest.fixture(scope="module")
def steps(graph: Any) -> dict[str, Any]:
    return steps_of(graph)


def test_steps_have_their_names_and_read_what_the_one_before_wrote(graph: Any, steps: dict[str, Any]) -> None:
    root = graph.components.transforms[graph.root_transform_ids[0]]
    whole = [graph.components.transforms[each] for each in root.subtransforms]
    assert [each.unique_name for each in whole] == [
        "Name source", "List units", "Spread units", "Load units", "Gather units", "Prove payloads",
    ]  # fmt: skip
    assert set(OWN) < steps.keys()
    wrote = [next(iter(each.outputs.values())) for each in whole]
    assert [list(each.inputs.values()) for each in whole[1:]] == [[each] for each in wrote[:-1]]


def test_elements_have_coders_that_every_runner_knows(graph: Any, steps: dict[str, Any]) -> None:
    assert [outputs(graph, steps[name]) for name in OWN] == [
        ["beam:coder:bytes:v1"],
        ["beam:coder:bytes:v1"],
        ["beam:coder:varint:v1"],
    ]
    pickled = {
        name
        for name, collection in graph.components.pcollections.items()
        if {each for each in urns(graph, collection.coder_id) if "pickle" in each}
    }
    producers = [name for name, step in steps.items() if pickled & set(step.outputs.values())]
    assert all(name.startswith(("Spread units/ReshufflePerKey/", "Gather units/")) for name in producers)  # Beam's own


@pytest.mark.parametrize("name", OWN)
def test_functions_are_pickled_by_name(steps: dict[str, Any], name: str) -> None:
    assert function(steps[name]).__class__.__module__ == "pipelines.backfill"
    texts = pickled_texts(steps[name])
    assert "pipelines.backfill" in texts  # found there by the worker
    assert not {text for text in texts if "__main__" in text or text.startswith(("_make_", "test_"))}


def test_the_graph_says_where_the_key_is_and_does_not_grow_with_the_bucket(graph: Any, steps: dict[str, Any]) -> None:
    load = function(steps["Load units"])
    assert load._fill._job.privacy_key == KEY
    assert load._fill._job.place == Bucket("shop-otlp", "2026/")
    assert len(graph.SerializeToString()) < 1 << 16  # it is listed by a step


def test_the_largest_unit_is_a_small_element() -> None:
    file = File("n" * 1024, 1, "d" * 24, 1_795_000_000_000_000, 1_795_000_000_000_000)
    assert len(encoded([Unit("u" * 20, (file,) * UNIT_FILES)])) < MESSAGE_BYTES
    assert UNIT_BYTES < MESSAGE_BYTES  # of files, compressed: what a step holds at once


def test_dates_bound_what_is_listed_and_what_is_known() -> None:
    told = filling_of(PipelineOptions([*BATCH, "--dates=2026-11-01..2026-11-07", "--max_message_bytes=1000"]))
    assert (told.first, told.last) == (date(2026, 11, 1), date(2026, 11, 7))
    assert (told.job.since, told.job.limits) == (date(2026, 10, 1), Limits(1000))  # Pub/Sub keeps 31 days
    every = filling_of(PipelineOptions(BATCH))
    assert (every.first, every.last, every.job.since) == (date.min, date.max, date(1970, 1, 29))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("--otlp_source=files:/x", "--otlp_source 'files:/x' does not fit. Objects to read"),
        ("--sink=lake:x", "--sink 'lake:x' does not fit."),
        ("--privacy_key=hunter2", "--privacy_key does not fit."),
        ("--dates=yesterday", "--dates 'yesterday' does not fit. UTC dates on which"),
        ("--dates=2026-13-01", "--dates '2026-13-01' is no date: write 2026-11-01"),
        ("--dates=2026-11-02..2026-11-01", "--dates 2026-11-02..2026-11-01 ends before it starts"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_the_cure(wrong: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        filling_of(PipelineOptions([*BATCH, wrong]))
    assert str(error.value).startswith(said)


def test_the_templates_main_runs_and_says_what_is_missing_in_one_line(repo: Path) -> None:
    main = [sys.executable, str(repo / "deploy" / "dataflow" / "template.py")]
    done = subprocess.run([*main, *DATAFLOW, BATCH[0]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("otelmart dataflow: --sink is missing. Where rows go: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def filling(tmp_path: Path) -> Filling:
    """Three files into a lake, which stands in for BigQuery."""
    source = tmp_path / "in"
    for i in range(3):
        write(source / f"{i}.pb", spans(1 + 10 * i, 5))
    (tmp_path / "privacy.key").write_text("key\n")
    place = files.listing(str(source)).place
    key, since = f"file:{tmp_path / 'privacy.key'}", date(1970, 2, 1)
    job = Job(place, f"lake:{tmp_path / 'lake'}", key, Limits(), since)
    return Filling(f"files:{source}", date.min, date.max, job)


def test_what_is_listed_is_loaded_once(filling: Filling, tmp_path: Path) -> None:
    listed = list(ListUnits(filling).process(filling.source.encode()))
    assert [[file.name for file in unit.files] for packed in listed for unit in decoded(packed)] == [
        ["0.pb", "1.pb", "2.pb"]
    ]
    for _ in range(2):  # the runner tries a bundle again
        load = LoadUnits(filling.job)
        load.setup()
        assert [Filled.unpacked(done).file_count for packed in listed for done in load.process(packed)] == [3]
        load.teardown()
    assert rows(tmp_path / "lake", "select count(*), count(distinct span_id) from traces") == [(15, 15)]


def test_what_is_refused_fails_the_job(filling: Filling, tmp_path: Path) -> None:
    (packed,) = ListUnits(filling).process(filling.source.encode())
    (tmp_path / "privacy.key").unlink()
    load = LoadUnits(filling.job)
    load.setup()
    with pytest.raises(RunError, match=r"privacy\.key"):
        list(load.process(packed))


def test_a_source_without_files_fails_the_job(filling: Filling) -> None:
    with pytest.raises(RunError, match="received nothing on these dates"):
        list(ProvePayloads(filling).process([]))
