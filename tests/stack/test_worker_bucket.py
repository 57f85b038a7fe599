"""The worker from Google's Pub/Sub emulator into a lake in Cloud Storage's: nothing lost, nothing doubled."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import cloud_storage
from pipelines.cloud_storage import Objects
from pipelines.sinks import bucket
from tests.pipeline.storage import Storage, emulator
from tests.stack import pubsub_emulator
from tests.stack.pubsub_emulator import PubSub
from tests.stack.test_worker import AGAIN_SECONDS, Worker, assert_whole, corpus, expected, spans_of, started

pytestmark = pytest.mark.stack
KILLS = 4
MESSAGES = 120


@pytest.fixture(scope="module")
def pubsub() -> Iterator[PubSub]:
    with pubsub_emulator.emulator() as running:
        yield running


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Storage, Objects]]:
    with emulator() as storage:
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "otelmart")
        cloud_storage.client.cache_clear()
        storage.client.create_bucket("worker")
        yield storage, Objects("worker", "otel/")
    cloud_storage.client.cache_clear()


def test_kills_at_random_and_every_message_twice(
    otelmart: str, pubsub: PubSub, lake: tuple[Storage, Objects], tmp_path: Path
) -> None:
    """Two processes of which one is killed, three times, then the worker itself; what readers copy is whole."""
    storage, objects = lake
    topic, subscription = pubsub.topic("bucket")
    cloud = {"STORAGE_EMULATOR_HOST": storage.host, "GOOGLE_CLOUD_PROJECT": "otelmart"}

    def start() -> Worker:
        options = "--processes", "2", "--batch", "8KiB"
        return started(otelmart, pubsub.host, subscription, f"lake:{objects}", *options, **cloud)

    chance = random.Random(7)
    messages = corpus(1, MESSAGES)
    worker = start()
    for kill in range(KILLS):
        some = messages[kill::KILLS] * 2
        chance.shuffle(some)
        pubsub.publish(topic, some)
        time.sleep(chance.uniform(0.5, 2.5))
        if kill == KILLS - 1 or not worker.children():
            worker.process.kill()
            worker.process.communicate()
            worker = start()
        else:
            os.kill(chance.choice(worker.children()), signal.SIGKILL)
    copied = tmp_path / "lake"
    deadline = time.monotonic() + AGAIN_SECONDS
    while _spans(objects, copied) < len(expected(1, MESSAGES)):
        assert time.monotonic() < deadline, f"{_spans(objects, copied)} spans"
        time.sleep(2)
    worker.stop()

    bucket.copy(objects, copied, lambda _: True)
    assert_whole(otelmart, copied, 1, MESSAGES)


def _spans(objects: Objects, copied: Path) -> int:
    bucket.copy(objects, copied, lambda _: True)
    return len(set(spans_of(copied)))
