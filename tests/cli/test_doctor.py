"""What is looked at before a worker starts, by `otelmart doctor` and by the worker: fit or not, soon, with the cure."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

NOWHERE = "127.0.0.1:1"  # no one listens there
SUBSCRIPTION = "pubsub:projects/p/subscriptions/s"
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
    subscription, lake = done.stdout.splitlines()
    assert subscription.startswith("failed   subscription projects/p/subscriptions/s")
    assert "projects/p/subscriptions/s: ServiceUnavailable: " in subscription
    assert subscription.endswith(NETWORK)
    assert lake == "ok       lake lake"
    assert done.stderr == "otelmart: 1 of 2 checks failed: put them right as they say, then run doctor again\n"


def test_a_worker_that_cannot_reach_pubsub_says_so_in_one_line(run: Run) -> None:
    done = run("worker", "--from", SUBSCRIPTION, "--to", "lake:lake", PUBSUB_EMULATOR_HOST=NOWHERE)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("otelmart: projects/p/subscriptions/s: ServiceUnavailable: ")
    assert line.endswith(NETWORK)
