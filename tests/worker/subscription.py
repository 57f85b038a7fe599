"""Pub/Sub's answers about one subscription over real gRPC: what it is, and what the account may do with it.

The emulator of Pub/Sub knows no permissions.
"""

import operator
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.iam.v1 import iam_policy_pb2
from google.pubsub_v1 import types

NAME = "projects/p/subscriptions/s"


@contextmanager
def served(
    permissions: Sequence[str] | None = None, refusal: tuple[grpc.StatusCode, str] | None = None, **fields: Any
) -> Iterator[str]:
    """A subscription with these fields, or the refusal of it; without `permissions` they are not told, as the emulator
    does not. Yields HOST:PORT."""

    def get(request: Any, context: grpc.ServicerContext) -> Any:
        if refusal:
            context.abort(*refusal)
        fit = {"topic": "projects/p/topics/t", "ack_deadline_seconds": 60}
        return types.Subscription.pb(types.Subscription(name=request.subscription, **fit | fields))

    def test(request: Any, context: grpc.ServicerContext) -> Any:
        if permissions is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        granted = [each for each in request.permissions if each in (permissions or ())]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=granted)

    encode = operator.methodcaller("SerializeToString")
    asked = types.GetSubscriptionRequest.pb().FromString, iam_policy_pb2.TestIamPermissionsRequest.FromString
    getting, testing = (
        grpc.unary_unary_rpc_method_handler(answer, decode, encode)
        for answer, decode in zip((get, test), asked, strict=True)
    )
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", {"GetSubscription": getting}),
            grpc.method_handlers_generic_handler("google.iam.v1.IAMPolicy", {"TestIamPermissions": testing}),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
