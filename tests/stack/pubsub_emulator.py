"""Google's Pub/Sub emulator as a second process, and what a test does to it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from pipelines.sources.pubsub import CHANNEL

JAR_VARIABLE = "PUBSUB_EMULATOR_JAR"
PROJECT = "otelmart"


def jar() -> Path | None:
    """The emulator of the Cloud SDK that is installed here, or the one that PUBSUB_EMULATOR_JAR names."""
    if told := os.environ.get(JAR_VARIABLE):
        return Path(told)
    gcloud = shutil.which("gcloud")
    roots = [Path(gcloud).resolve().parents[1]] if gcloud else []
    roots += [Path("/usr/lib/google-cloud-sdk"), Path.home() / "google-cloud-sdk"]
    found = [
        path for root in roots for path in root.glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar")
    ]
    return found[0] if found else None


@dataclass(frozen=True)
class PubSub:
    """A running emulator: its process and address, and clients of it."""

    process: subprocess.Popen[bytes]
    host: str
    publisher: Any
    subscriber: Any

    def topic(self, name: str, **subscription: Any) -> tuple[str, str]:
        """A new topic and a subscription to it."""
        topic = f"projects/{PROJECT}/topics/{name}"
        path = f"projects/{PROJECT}/subscriptions/{name}"
        self.publisher.create_topic(name=topic)
        self.subscriber.create_subscription(
            request={"name": path, "topic": topic, "ack_deadline_seconds": 10} | subscription
        )
        return topic, path

    def publish(self, topic: str, bodies: list[tuple[bytes, dict[str, str]]]) -> None:
        """Returns when all are confirmed."""
        for confirmed in [self.publisher.publish(topic, data, **attributes) for data, attributes in bodies]:
            confirmed.result(timeout=30)


# What a killed process held is sent again a publish request at a time, up to a minute apart: so few requests.
TOGETHER = pubsub_v1.types.BatchSettings(max_messages=1000, max_latency=0.2)


@contextmanager
def emulator(port: int = 0) -> Iterator[PubSub]:
    """An emulator on loopback, on a free port unless told; it ends with the block, and forgets."""
    path = jar()
    assert path, f"no Pub/Sub emulator: gcloud components install pubsub-emulator, or name its jar with {JAR_VARIABLE}"
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        ["java", "-jar", str(path), "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    host = f"127.0.0.1:{port}"
    channel = grpc.insecure_channel(host, options=CHANNEL)
    try:
        grpc.channel_ready_future(channel).result(timeout=60)
        assert process.poll() is None
        yield PubSub(
            process,
            host,
            pubsub_v1.PublisherClient(TOGETHER, transport=PublisherGrpcTransport(channel=channel)),
            pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)),
        )
    finally:
        channel.close()
        process.kill()
        process.wait()
        time.sleep(0)
