"""What `listen --to pubsub:` publishes, by a gRPC server that stands for Pub/Sub: stack tests have Google's own."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.pubsub_v1 import types

from tests.listen.conftest import Listener, Start
from tests.pipeline.telemetry import as_json, logs, spans

PUBLISHER = "google.pubsub.v1.Publisher"
TOPIC = "projects/otelmart/topics/otlp"
JSON = "application/json"


@dataclass
class Topics:
    """Pub/Sub as far as a publisher sees it."""

    host: str = ""
    messages: list[Any] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self.lock:
            self.messages += request.messages
            return types.PublishResponse(message_ids=[str(len(self.messages))] * len(request.messages))

    def get(self, request: Any, context: grpc.ServicerContext) -> Any:
        """As Pub/Sub answers whoever may publish, and nothing else."""
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")

    def taken(self) -> list[tuple[str, str, bytes]]:
        """(ce-type, content type, data as it was before gzip) of each message."""
        return [
            (each.attributes["ce-type"], each.attributes["content-type"], gzip.decompress(each.data))
            for each in self.messages
        ]


@pytest.fixture
def topics() -> Iterator[Topics]:
    own = Topics()
    server = grpc.server(ThreadPoolExecutor(2))
    handlers = {
        "Publish": _handler(own.publish, types.PublishRequest, types.PublishResponse),
        "GetTopic": _handler(own.get, types.GetTopicRequest, types.Topic),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(PUBLISHER, handlers)])
    own.host = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield own
    server.stop(None)


def _handler(call: Any, request: Any, answer: Any) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(call, request.deserialize, answer.serialize)


def publishing(start: Start, topics: Topics) -> Listener:
    return start("--to", f"pubsub:{TOPIC}", environment={"PUBSUB_EMULATOR_HOST": topics.host})


def test_every_export_is_published_in_protobuf_whatever_it_came_in(start: Start, topics: Topics) -> None:
    listener = publishing(start, topics)
    assert listener.post("traces", as_json(spans(1, 3)), JSON).status_code == 200
    assert listener.post("traces", spans(10, 2)).status_code == 200
    assert listener.post("logs", logs(1, 2)).status_code == 200

    assert topics.taken() == [
        ("org.opentelemetry.otlp.traces.v1", "application/protobuf", spans(1, 3)),
        ("org.opentelemetry.otlp.traces.v1", "application/protobuf", spans(10, 2)),
        ("org.opentelemetry.otlp.logs.v1", "application/protobuf", logs(1, 2)),
    ]


def test_gzip_is_published_as_it_came(start: Start, topics: Topics) -> None:
    listener = publishing(start, topics)
    bodies = [gzip.compress(spans(1, 200), level) for level in (1, 9)]
    for body in bodies:
        assert listener.post("traces", body, Content_Encoding="gzip").status_code == 200
    assert listener.post("traces", gzip.compress(as_json(spans(5))), JSON, Content_Encoding="gzip").status_code == 200

    assert [each.data for each in topics.messages[:2]] == bodies
    assert topics.taken()[2][1:] == ("application/protobuf", spans(5))


def test_json_that_is_no_request_is_published_as_it_came(start: Start, topics: Topics) -> None:
    listener = publishing(start, topics)
    body = b'{"resourceSpans": [{"scopeSpans": 7}]}'
    assert listener.post("traces", body, JSON).status_code == 400

    assert topics.taken() == [("org.opentelemetry.otlp.traces.v1", "application/json", body)]


def test_json_that_holds_nothing_is_no_message(start: Start, topics: Topics) -> None:
    listener = publishing(start, topics)
    assert listener.post("traces", b'{"resourceSpans": []}', JSON).status_code == 200

    assert topics.taken() == []
