"""A Pub/Sub topic as the place where exports become durable: messages as the collector's googlecloudpubsub exporter
writes them, confirmed by Pub/Sub before anyone is answered."""

import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import UTC, datetime
from typing import Any, Final

import deflate
import grpc

from pipelines.checks import Check
from pipelines.decode import messages, otlp_json
from pipelines.errors import BadMessage, UsageError, without_credentials
from pipelines.listen.exports import Export, NotDurable
from pipelines.payloads import Encoding, Signal
from pipelines.sources.compression import codec
from pipelines.sources.pubsub import CE_TYPES, CHANNEL, CHECK_SECONDS, EMULATOR_VARIABLE, with_cure

EXAMPLE: Final = "pubsub:projects/PROJECT/topics/NAME"
MESSAGE_BYTES = 9 << 20  # Pub/Sub takes requests of 10 MB, attributes included
CONFIRM_SECONDS = 20.0
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
_CE_SOURCE = "/otelmart/listen"
_CONTENT_TYPES: Mapping[Encoding, str] = {"protobuf": "application/protobuf", "json": "application/json"}
_TYPES: Mapping[Signal, str] = {signal: ce_type for ce_type, signal in CE_TYPES.items()}


def checks(place: str) -> Iterator[Check]:
    """What must be fit to publish to the topic that a URI names after `pubsub:`. Raises UsageError."""
    topic = Topic(place)
    yield Check(f"topic {place}", topic.look)


class Topic:
    """Publishes exports. Raises UsageError for a name that is none, RunError without credentials."""

    def __init__(self, name: str) -> None:
        if not _TOPIC.fullmatch(name):
            raise UsageError(f"pubsub:{name} is no topic: write {EXAMPLE}")
        self._name = name
        self._client = _publisher()

    def look(self) -> str:
        """Raises RunError when the topic is not there. Whoever may only publish may not look, and is told nothing."""
        from google.api_core.exceptions import GoogleAPICallError, NotFound, PermissionDenied

        try:
            self._client.get_topic(request={"topic": self._name}, retry=None, timeout=CHECK_SECONDS)
        except PermissionDenied:
            pass
        except GoogleAPICallError as error:
            project, name = self._name.split("/")[1::2]
            make = f"make it: gcloud pubsub topics create {name} --project {project}"
            raise with_cure(error, self._name, {NotFound: make}) from None
        return ""

    def keep(self, requests: Iterable[Export], malformed: Iterable[Export]) -> Sequence[Export]:
        """Returns when Pub/Sub has confirmed all of them; those returned it can never take. Raises NotDurable.

        What is malformed is published too: a worker makes it a dead letter.
        """
        too_large: list[Export] = []
        confirmations = []
        for export in (*requests, *malformed):
            bodies = list(_bodies(export))
            if any(len(body) > MESSAGE_BYTES for body, _ in bodies):
                too_large.append(export)
                continue
            confirmations += [self._published(body, export.signal, content_type) for body, content_type in bodies]
        for confirmation in confirmations:
            _wait(confirmation, self._name)
        return too_large

    def _published(self, body: bytes, signal: Signal, content_type: str) -> Any:
        from google.api_core.retry import Retry

        return self._client.publish(
            self._name,
            body,
            retry=Retry(timeout=CONFIRM_SECONDS),
            timeout=CONFIRM_SECONDS,
            **attributes(signal, content_type),
        )


def attributes(signal: Signal, content_type: str = "application/protobuf") -> dict[str, str]:
    """Attributes of a message whose data is gzip; contrib, exporter/googlecloudpubsubexporter."""
    return {
        "ce-specversion": "1.0",
        "ce-id": str(uuid.uuid4()),
        "ce-source": _CE_SOURCE,
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-type": _TYPES[signal],
        "content-type": content_type,
        "content-encoding": "gzip",
    }


def _bodies(export: Export) -> Iterator[tuple[bytes, str]]:
    """(gzip of the request or of its parts, content type); parts only when the whole is too large for one message."""
    data, encoding = _as_protobuf(export)
    if not data:
        return
    is_as_sent = data is export.data and codec(export.sent) == "gzip"
    whole = export.sent if is_as_sent else bytes(deflate.gzip_compress(data, 1))
    if len(whole) <= MESSAGE_BYTES or encoding == "json":
        yield whole, _CONTENT_TYPES[encoding]
        return
    try:
        request = messages.REQUESTS[export.signal].FromString(data)
    except ValueError:
        yield whole, _CONTENT_TYPES[encoding]
        return
    for part in _parts(export.signal, request):
        yield bytes(deflate.gzip_compress(part.SerializeToString(), 1)), _CONTENT_TYPES["protobuf"]


def _as_protobuf(export: Export) -> tuple[bytes, Encoding]:
    """The format of the exporter, whatever a client sent; JSON that has no such form stays as it is."""
    if export.encoding == "json" and export.data:
        try:
            return otlp_json.to_protobuf(export.signal, export.data), "protobuf"
        except BadMessage:
            return export.data, "json"
    return export.data, export.encoding


def _parts(signal: Signal, request: Any) -> Iterator[Any]:
    """The same rows in requests that fit a message uncompressed, or hold one item; the same input, the same parts."""
    if request.ByteSize() <= MESSAGE_BYTES:
        yield request
        return
    halves = [type(request)(), type(request)()]
    resources = getattr(request, messages.RESOURCES[signal])
    if len(resources) > 1:
        _deal(resources, [getattr(half, messages.RESOURCES[signal]) for half in halves])
    elif len(scopes := getattr(resources[0], messages.SCOPES[signal])) > 1:
        _deal(scopes, [getattr(_like(half, signal, resources[0]), messages.SCOPES[signal]) for half in halves])
    elif len(items := getattr(scopes[0], messages.ITEMS[signal])) > 1:
        below = [_like(half, signal, resources[0]) for half in halves]
        _deal(items, [getattr(_scope_like(own, signal, scopes[0]), messages.ITEMS[signal]) for own in below])
    else:
        yield request
        return
    for half in halves:
        yield from _parts(signal, half)


def _deal(items: Sequence[Any], targets: Sequence[Any]) -> None:
    middle = len(items) // 2
    targets[0].extend(items[:middle])
    targets[1].extend(items[middle:])


def _like(request: Any, signal: Signal, resource: Any) -> Any:
    """A resource in `request` with everything of `resource` but its scopes."""
    own = getattr(request, messages.RESOURCES[signal]).add(schema_url=resource.schema_url)
    if resource.HasField("resource"):
        own.resource.CopyFrom(resource.resource)
    return own


def _scope_like(resource: Any, signal: Signal, scope: Any) -> Any:
    own = getattr(resource, messages.SCOPES[signal]).add(schema_url=scope.schema_url)
    if scope.HasField("scope"):
        own.scope.CopyFrom(scope.scope)
    return own


def _wait(confirmation: Any, topic: str) -> None:
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    try:
        confirmation.result(timeout=CONFIRM_SECONDS + 5)
    except (GoogleAPICallError, RetryError, FutureTimeout) as error:
        what = (str(error) or type(error).__name__).splitlines()[0]
        raise NotDurable(f"{topic} did not confirm: {what}") from None


def _publisher() -> Any:
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import pubsub_v1  # type: ignore[attr-defined]
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    if host := os.environ.get(EMULATOR_VARIABLE):
        return pubsub_v1.PublisherClient(
            transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host, options=CHANNEL))
        )
    try:
        return pubsub_v1.PublisherClient()
    except DefaultCredentialsError:
        raise without_credentials(EMULATOR_VARIABLE) from None
