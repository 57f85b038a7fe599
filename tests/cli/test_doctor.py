"""What is looked at before a worker starts, by `otelmart doctor` and by the worker: fit or not, soon, with the cure."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sinks.storage_service import StorageService, served
from tests.worker import subscription

NOWHERE = "127.0.0.1:1"  # no one listens there
SUBSCRIPTION = "pubsub:projects/p/subscriptions/s"
SINK = "bigquery:shop.observability"
NETWORK = "is the network, or the emulator's host, right?"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(otelmart: str, tmp_path: Path) -> Run:
    """A command in an empty folder; whatever is wrong, it says so soon and without a traceback."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        env = os.environ | {"OTELMART_PRIVACY_KEY": "a key for tests"} | environment
        start = time.monotonic()
        done = subprocess.run([otelmart, *arguments], env=env, cwd=tmp_path, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        assert time.monotonic() - start < 40
        return done

    return run


def test_doctor_goes_on_when_pubsub_cannot_be_reached(run: Run) -> None:
    done = run("doctor", "--from", SUBSCRIPTION, "--to", "lake:lake", PUBSUB_EMULATOR_HOST=NOWHERE)
    assert done.returncode == 1
    pubsub, lake = done.stdout.splitlines()
    assert pubsub.startswith("failed   subscription projects/p/subscriptions/s")
    assert "projects/p/subscriptions/s: ServiceUnavailable: " in pubsub
    assert pubsub.endswith(NETWORK)
    assert lake == "ok       lake lake"
    assert done.stderr == "otelmart: 1 of 2 checks failed: put them right as they say, then run doctor again\n"


def test_a_worker_that_cannot_reach_pubsub_says_so_in_one_line(run: Run) -> None:
    done = run("worker", "--from", SUBSCRIPTION, "--to", "lake:lake", PUBSUB_EMULATOR_HOST=NOWHERE)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("otelmart: projects/p/subscriptions/s: ServiceUnavailable: ")
    assert line.endswith(NETWORK)


def test_doctor_says_what_it_found_while_it_waits_for_the_rest(otelmart: str) -> None:
    """BigQuery opens no ledger before the tables' lines are here."""
    lines_are_here, waited = threading.Event(), list[bool]()
    service = StorageService()

    def wait(method: str) -> None:
        if method == "create_read_session":
            waited.append(lines_are_here.wait(3))

    service.faults = wait
    with served(service) as host:
        env = os.environ | {"BIGQUERY_STORAGE_EMULATOR_HOST": host}
        command = [otelmart, "doctor", "--to", SINK]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as doctor:
            assert doctor.stdout
            first = [doctor.stdout.readline() for _ in range(5)]
            lines_are_here.set()
            rest = doctor.stdout.read()
    assert waited == [True]
    assert first == [
        "ok       table shop.observability.traces\n",
        "ok       table shop.observability.logs\n",
        "ok       table shop.observability.metrics\n",
        "ok       table shop.observability.dead_letters\n",
        "ok       table shop.observability.ingest_ledger\n",
    ]
    assert rest == "ok       the ledger can be read\n"
    assert doctor.returncode == 0


def test_doctor_says_soon_that_bigquery_cannot_be_reached(run: Run) -> None:
    done = run("doctor", "--to", SINK, BIGQUERY_STORAGE_EMULATOR_HOST=NOWHERE)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["failed"] * 6
    for line in lines:
        assert "ServiceUnavailable: " in line
        assert line.endswith(
            ": try again later; can this machine reach bigquerystorage.googleapis.com, "
            "or the emulator that BIGQUERY_STORAGE_EMULATOR_HOST names?"
        )


@pytest.mark.parametrize("is_listening", [False, True], ids=["no one listens", "no one answers"])
def test_doctor_says_soon_that_cloud_storage_cannot_be_reached(run: Run, is_listening: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}" if is_listening else NOWHERE
        bucket = {"STORAGE_EMULATOR_HOST": f"http://{host}", "GOOGLE_CLOUD_PROJECT": "shop"}
        done = run("doctor", "--to", "lake:gs://shop-lake/otel", **bucket)
    assert done.returncode == 1
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    no_answer = f"gs://shop-lake/otel: no answer: {NETWORK}"
    assert [state for state, _ in lines] == ["failed", "failed"]
    assert lines[0][1] == f"lake gs://shop-lake/otel            {no_answer}"
    assert lines[1][1] == f"the columns of gs://shop-lake/otel  {no_answer}"


def test_doctor_tells_programs_what_it_tells_people(run: Run) -> None:
    done = run("doctor", "--to", "lake:lake", "--json")
    assert json.loads(done.stdout) == [{"what": "lake lake", "state": "ok", "text": ""}]


def test_a_worker_says_once_what_deserves_care_and_goes_on(run: Run) -> None:
    """It goes on to its port, which is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken, subscription.served(ack_deadline_seconds=10) as host:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run(
            *("worker", "--from", SUBSCRIPTION, "--to", "lake:lake", "--health", place), PUBSUB_EMULATOR_HOST=host
        )
    assert done.returncode == 1
    care, end = done.stderr.splitlines()
    assert care == (
        "otelmart worker: careful: subscription projects/p/subscriptions/s: its acknowledgement deadline is 10 s, so a "
        "batch that takes longer may come twice: gcloud pubsub subscriptions update NAME --ack-deadline=60"
    )
    assert end.startswith(f"otelmart: cannot listen on {place} (")


def test_a_worker_that_is_refused_says_nothing_else(run: Run) -> None:
    with subscription.served(ack_deadline_seconds=10) as host:
        done = run("worker", "--from", SUBSCRIPTION, "--to", "lake:/dev/null", PUBSUB_EMULATOR_HOST=host)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line == "otelmart: /dev/null is no directory that this user may write to: change it, or choose another lake"
