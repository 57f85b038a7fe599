"""The worker from Google's Pub/Sub emulator into BigQuery's Storage Write API: nothing lost, nothing doubled.

BigQuery is tests/sinks/storage_service.py: real gRPC, tables in memory, and faults at random.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from pipelines.sinks.storage_write import HOST_VARIABLE
from tests.pipeline.telemetry import logs
from tests.sinks.storage_service import REFUSED, Fault, StorageService, served
from tests.stack import pubsub_emulator
from tests.stack.pubsub_emulator import PubSub
from tests.stack.test_worker import KILLED, SECRET, corpus, expected, message, started

pytestmark = pytest.mark.stack
SINK = "bigquery:shop.observability"
PLACES = [
    "stream finalized",
    "stream committed",
    "second stream committed",
    "all streams committed",
    "before the ledger's stream",
    "ledger's stream committed",
]  # of tests/worker/killed/sitecustomize.py
CODE = grpc.StatusCode
WHEN = (False, True)
FAULTS = [
    *(
        Fault(code, is_after)
        for code in (CODE.RESOURCE_EXHAUSTED, CODE.INTERNAL, CODE.UNAVAILABLE)
        for is_after in WHEN
    ),
    Fault(CODE.DEADLINE_EXCEEDED, is_after=True, seconds=1.0),
    *(Fault(code, is_after, in_answer=True) for code in (CODE.ALREADY_EXISTS, CODE.INTERNAL) for is_after in WHEN),
]
FAULTY = {"create_write_stream", "append_rows", "finalize_write_stream", "batch_commit_write_streams"}


@pytest.fixture(scope="module")
def pubsub() -> Iterator[PubSub]:
    with pubsub_emulator.emulator() as running:
        yield running


@pytest.mark.parametrize("stream", ["pending", "default"])
def test_every_fourth_answer_is_a_fault_and_processes_are_killed(otelmart: str, pubsub: PubSub, stream: str) -> None:
    """Each message twice, 1 in 20 poison, 1 in 10 with a bad row.

    One kill a subscription: the emulator sends again what a killed process held, but a publish request at a time, up to
    a minute apart.
    """
    chance, struck = random.Random(7), list[Fault]()

    def fault(method: str) -> Fault | None:
        if method not in FAULTY or chance.random() > 0.25:
            return None
        struck.append(chance.choice([each for each in FAULTS if method == "append_rows" or not each.in_answer]))
        return struck[-1]

    service = StorageService()
    service.faults = fault
    with served(service) as host, ThreadPoolExecutor(3) as pool:
        runs = [
            pool.submit(killed_among_faults, stream, number, otelmart, pubsub, service, host) for number in range(3)
        ]
    want = sorted(i for run in runs for i in run.result())
    raw_duplicates = assert_whole(service, want)
    assert len(struck) >= 10
    print(
        f"{stream} stream: {len(want)} spans, each sent twice, 3 kills, {len(struck)} faults in "
        f"{sum(service.calls.values())} calls: 0 lost, 0 doubled after staging, {raw_duplicates} raw duplicates"
    )


def killed_among_faults(
    stream: str, number: int, otelmart: str, pubsub: PubSub, service: StorageService, host: str
) -> list[int]:
    """The spans that were published, and that show although one of two processes was killed while they came."""
    topic, subscription = pubsub.topic(f"faults-{stream}-{number}")
    chance = random.Random(number)
    options = f"{SINK}?stream={stream}", "--processes", "2", "--batch", "4KiB", "--batch-every", "1s"
    worker = started(otelmart, pubsub.host, subscription, *options, **{HOST_VARIABLE: host})
    bodies = corpus(number * 500 + 1, 60) * 2
    chance.shuffle(bodies)
    pubsub.publish(topic, bodies)
    time.sleep(chance.uniform(0.5, 3.0))
    os.kill(chance.choice(worker.children()), signal.SIGKILL)
    want = expected(number * 500 + 1, 60)
    wait_for(service, want)
    worker.stop()
    return want


def test_processes_killed_at_every_named_place_lose_nothing(otelmart: str, pubsub: PubSub, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        runs = {place: pool.submit(killed_at, place, otelmart, pubsub, tmp_path) for place in PLACES}
    for place, run in runs.items():
        print(f"killed at {place!r}: 600 spans published, 0 lost, {run.result()} raw duplicates")


def killed_at(place: str, otelmart: str, pubsub: PubSub, tmp_path: Path) -> int:
    number = PLACES.index(place)
    topic, subscription = pubsub.topic(f"kill-bq-{number}")
    pubsub.publish(topic, corpus(1, 120))
    mark = tmp_path / f"killed-{number}"
    service = StorageService()
    with served(service) as host:
        environment = {"PYTHONPATH": str(KILLED), "KILL_AT": place, "KILL_MARK": str(mark), HOST_VARIABLE: host}
        options = "--batch", "4KiB", "--batch-every", "1s"
        worker = started(otelmart, pubsub.host, subscription, SINK, *options, **environment)
        worker.wait_for("otelmart_worker_restarts_total", 1)
        wait_for(service, expected(1, 120))
        worker.stop()
    assert mark.exists()
    return assert_whole(service, expected(1, 120))


def test_refused_rows_become_dead_letters_and_hold_nothing_up(otelmart: str, pubsub: PubSub) -> None:
    topic, subscription = pubsub.topic("refused")
    pubsub.publish(topic, corpus(1, 10))
    service = StorageService()
    service.refused_text = "GET /cart"  # every span
    with served(service) as host:
        worker = started(otelmart, pubsub.host, subscription, SINK, "--batch-every", "1s", **{HOST_VARIABLE: host})
        worker.wait_for("otelmart_worker_messages_total", 10)
        worker.stop()
    letters = Counter(row["error_text"] for row in service.rows("dead_letters").to_pylist())
    assert letters[REFUSED] == len(expected(1, 10))
    assert service.rows("traces").num_rows == 0


def test_a_column_that_init_adds_while_the_worker_runs_fills_without_a_restart(otelmart: str, pubsub: PubSub) -> None:
    topic, subscription = pubsub.topic("lacking")
    service = StorageService()
    fields = service.tables["logs"].fields
    body = fields.pop([each["name"] for each in fields].index("body"))
    with served(service) as host:
        worker = started(otelmart, pubsub.host, subscription, SINK, "--processes", "2", **{HOST_VARIABLE: host})
        for first in (1, 4):
            pubsub.publish(topic, [message("logs", logs(first, 3))])
            worker.wait_for("otelmart_worker_messages_total", 1 + first // 4)
        fields.append(body)
        fields.append({"name": "team", "type": "STRING", "mode": "NULLABLE"})
        pubsub.publish(topic, [message("logs", logs(7, 3))])
        worker.wait_for("otelmart_worker_messages_total", 3)
        left_out = worker.metric('otelmart_worker_left_out_values_total{column="body",table="logs"}')
        restart_count = worker.metric("otelmart_worker_restarts_total")
        said = worker.stop()
    assert sorted(filter(None, service.rows("logs")["body"].to_pylist())) == ["line 7", "line 8", "line 9"]
    assert (service.rows("logs").num_rows, left_out, restart_count) == (9, 6, 0)
    assert said.count("the tables have no logs.body: values are left out, and counted, until otelmart init") == 1


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("logs", "otelmart: BigQuery refuses projects/shop/datasets/observability/tables/logs: NotFound: "),
        ("ingest_ledger", "tables/ingest_ledger: NotFound: Requested entity was not found"),
    ],
)
def test_a_missing_table_is_one_line_with_the_cure(otelmart: str, pubsub: PubSub, table: str, text: str) -> None:
    _, subscription = pubsub.topic(f"missing-{table.replace('_', '-')}")
    service = StorageService()
    del service.tables[table]
    with served(service) as host:
        done = subprocess.run(
            [otelmart, "worker", "--from", f"pubsub:{subscription}", "--to", SINK],
            env=SECRET | {"PATH": os.environ["PATH"], "PUBSUB_EMULATOR_HOST": pubsub.host, HOST_VARIABLE: host},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert text in done.stderr
    assert done.stderr.endswith("make it: otelmart init --to bigquery:PROJECT.DATASET\n")
    assert done.stderr.count("\n") == 1


def span_ids(service: StorageService) -> list[int]:
    return [int(trace_id[-12:], 16) for trace_id in service.rows("traces")["trace_id"].to_pylist()]


def wait_for(service: StorageService, want: list[int], seconds: float = 300) -> None:
    """Until every span shows, and the acknowledgement deadline has passed once more."""
    deadline = time.monotonic() + seconds
    while not set(want) <= set(span_ids(service)):
        assert time.monotonic() < deadline, f"{len(set(want) - set(span_ids(service)))} spans of {len(want)} missing"
        time.sleep(0.5)
    time.sleep(12)


def assert_whole(service: StorageService, want: list[int]) -> int:
    """Every span and letter once by its identity, each accounted for in the ledger. Returns raw duplicates of spans."""
    traces = service.rows("traces").select(["payload_id", "row_ordinal", "trace_id"]).to_pylist()
    spans = {(row["payload_id"], row["row_ordinal"]): int(row["trace_id"][-12:], 16) for row in traces}
    assert sorted(spans.values()) == want
    entries = service.rows("ingest_ledger").to_pylist()
    accounted = {(row["payload_id"], row["event_date"]): row["written_row_count"] for row in entries}
    in_ledger = Counter[str]()
    for (payload_id, _), count in accounted.items():
        in_ledger[payload_id] += count
    assert +in_ledger == Counter(payload_id for payload_id, _ in spans)
    letters = {row["dead_letter_id"] for row in service.rows("dead_letters").to_pylist()}
    in_ledger_dead = {
        row["payload_id"]: row["dead_lettered_row_count"] + row["unparsed_message_count"]
        for row in entries
        if row["table_name"] == "dead_letters"
    }
    assert len(letters) == sum(in_ledger_dead.values()) > 0
    return len(traces) - len(want)
