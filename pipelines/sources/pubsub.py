"""Pub/Sub messages → payloads, in the format of the collector's googlecloudpubsub exporter; and the clients for it.

The signal is told by the bytes, by `ce-type` when they hold nothing; compression by its magic bytes, whether or not
`content-encoding` names it. `ce-id` is no identity: a retry gets a new one.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import grpc

from pipelines.checks import Check
from pipelines.errors import BadMessage, RunError, UsageError, without_credentials
from pipelines.payloads import Payload, Signal, Unreadable, in_pieces, payload_id
from pipelines.sources.compression import Limits, codec, unfolded
from pipelines.sources.framing import payload

EXAMPLE: Final = "pubsub:projects/PROJECT/subscriptions/NAME"
EMULATOR_VARIABLE: Final = "PUBSUB_EMULATOR_HOST"
# opentelemetry-collector-contrib, exporter/googlecloudpubsubexporter
CE_TYPES: Mapping[str, Signal] = {
    "org.opentelemetry.otlp.traces.v1": "traces",
    "org.opentelemetry.otlp.logs.v1": "logs",
    "org.opentelemetry.otlp.metrics.v1": "metrics",
}
ACK_DEADLINE_SECONDS: Final = 60
RETENTION_DAYS: Final = 7
CHECK_SECONDS: Final = 10.0
_PULL: Final = "pubsub.subscriptions.consume"
_SUBSCRIPTION = re.compile(r"projects/[^/\s]+/subscriptions/[^/\s]+")
# a channel without the limits that gRPC has by default: answers hold many messages
CHANNEL = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def payload_of(
    data: bytes,
    attributes: Mapping[str, str],
    receive_time_us: int,
    source: str,
    limits: Limits,
    *,
    is_published: bool = True,
) -> Payload | Unreadable:
    """One message as a payload; `receive_time_us` (µs since 1970, UTC) is when it was published, if `is_published`.

    `source` names the subscription. What is damaged or too large is Unreadable, with the bytes as they came.
    """
    try:
        plain = unfolded(data, limits) if codec(data) else data
        if len(plain) > limits.message_bytes:
            text = f"{len(plain)} bytes, more than the {limits.message_bytes} that one message may have"
            raise BadMessage("message_too_large", text)
    except BadMessage as error:
        pieces, identity = partial(in_pieces, data), payload_id(data)
        found: Payload | Unreadable = Unreadable(
            error.reason, str(error), pieces, "raw", identity, receive_time_us, source
        )
    else:
        found = payload(plain, receive_time_us, source, CE_TYPES.get(attributes.get("ce-type", "")))
    return replace(found, attributes=dict(attributes), is_published=is_published)


def subscription_of(place: str) -> str:
    """The subscription that a URI names after `pubsub:`. Raises UsageError."""
    if not _SUBSCRIPTION.fullmatch(place):
        raise UsageError(f"pubsub:{place} is no subscription: write {EXAMPLE}")
    return place


def subscriber() -> Any:
    """A SubscriberClient; of the emulator when PUBSUB_EMULATOR_HOST is set. Raises RunError without credentials."""
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import pubsub_v1  # type: ignore[attr-defined]
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    if host := os.environ.get(EMULATOR_VARIABLE):  # the client's own channel takes no more than 4 MB at once
        return pubsub_v1.SubscriberClient(
            transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(host, options=CHANNEL))
        )
    try:
        return pubsub_v1.SubscriberClient()
    except DefaultCredentialsError:
        raise without_credentials(EMULATOR_VARIABLE) from None


def checks(subscription: str) -> Iterator[Check]:
    """What must be fit to drain a subscription without loss."""
    yield Check(f"subscription {subscription}", partial(_fit, subscription))


def _fit(subscription: str) -> str:
    from google.api_core.exceptions import GoogleAPICallError

    client = subscriber()
    try:
        # Without the client's retry, which says nothing for a minute, and then not what Pub/Sub answered.
        found = client.get_subscription(request={"subscription": subscription}, retry=None, timeout=CHECK_SECONDS)
        may_pull = _may_pull(client, subscription)
    except GoogleAPICallError as error:
        raise refused(error, subscription) from None
    finally:
        client.close()
    if not may_pull:
        raise RunError(
            f"{subscription}: this account may look at it, and not pull from it, for it lacks {_PULL}: "
            "grant roles/pubsub.subscriber on it to this account"
        )
    if found.filter:
        raise RunError(
            f"{subscription} has the filter {found.filter!r}: Pub/Sub drops what does not match, unseen and uncounted; "
            "make a subscription without a filter"
        )
    if found.topic == "_deleted-topic_":
        raise RunError(f"{subscription} belongs to a topic that was deleted: make topic and subscription anew")
    if found.push_config.push_endpoint or found.bigquery_config.table or found.cloud_storage_config.bucket:
        raise RunError(f"{subscription} is no pull subscription: Pub/Sub delivers it elsewhere; make one of type pull")
    return "; ".join(_cares(found))


def _may_pull(client: Any, subscription: str) -> bool:
    """Whether the account may pull, as far as Pub/Sub tells: the emulator knows no permissions."""
    from google.api_core.exceptions import MethodNotImplemented

    asked = {"resource": subscription, "permissions": [_PULL]}
    try:
        answer = client.test_iam_permissions(request=asked, retry=None, timeout=CHECK_SECONDS)
    except MethodNotImplemented:
        return True
    return _PULL in answer.permissions


def _cares(found: Any) -> Iterator[str]:
    """What a subscription may be, and had better not."""
    if found.ack_deadline_seconds < ACK_DEADLINE_SECONDS:
        yield (
            f"its acknowledgement deadline is {found.ack_deadline_seconds} s, so a batch that takes longer may come "
            f"twice: gcloud pubsub subscriptions update NAME --ack-deadline={ACK_DEADLINE_SECONDS}"
        )
    kept, lives = found.message_retention_duration, found.expiration_policy.ttl
    if kept and kept.days < RETENTION_DAYS:
        yield f"it keeps messages for {kept}, and a longer outage loses them: --message-retention-duration=7d"
    if found.dead_letter_policy.dead_letter_topic:
        tries = found.dead_letter_policy.max_delivery_attempts
        yield f"after {tries} tries a message leaves for another topic, uncounted: --clear-dead-letter-policy"
    if lives:
        yield f"Pub/Sub deletes it after {lives} without a reader: --expiration-period=never"


def refused(error: Exception, subscription: str) -> RunError:
    """What Pub/Sub refused, and the cure."""
    from google.api_core import exceptions

    project, name = subscription.split("/")[1::2]
    own: dict[type[Exception], str] = {
        exceptions.NotFound: f"make it: gcloud pubsub subscriptions create {name} --project {project} --topic TOPIC",
        exceptions.PermissionDenied: "grant roles/pubsub.subscriber and roles/pubsub.viewer on it to this account",
    }
    return with_cure(error, subscription, own)


def with_cure(error: Exception, place: str, own: Mapping[type[Exception], str]) -> RunError:
    """What Pub/Sub refused of a place, with its own cures and those that are the same everywhere."""
    from google.api_core import exceptions

    cures: dict[type[Exception], str] = {
        **own,
        exceptions.Unauthenticated: "renew the credentials: gcloud auth application-default login",
        exceptions.ResourceExhausted: "a quota of the project is used up: see IAM & Admin → Quotas, Pub/Sub",
        exceptions.DeadlineExceeded: "is the network, or the emulator's host, right?",
        exceptions.ServiceUnavailable: "is the network, or the emulator's host, right?",
    }
    kind = type(error)
    what = getattr(error, "message", None) or str(error) or kind.__name__
    cure = next((text for own_kind, text in cures.items() if isinstance(error, own_kind)), "see the message")
    if "project not found" in what:
        project = place.split("/")[1]
        cure = f"is {project} the project's ID, not its display name? gcloud projects list shows both"
    return RunError(f"{place}: {kind.__name__}: {what.splitlines()[0]}: {cure}")
