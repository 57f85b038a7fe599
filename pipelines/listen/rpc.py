"""OTLP/gRPC on grpcio: the three export services, with messages as bytes, so that they are parsed once."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from pipelines.listen.exports import SERVICES, Export, Malformed, NotDurable, Overloaded, failure, response
from pipelines.listen.http import RETRY_AFTER_SECONDS, Access
from pipelines.listen.intake import Intake
from pipelines.payloads import Signal
from pipelines.sources.compression import Limits

_DETAILS = "grpc-status-details-bin"


def server(intake: Intake, limits: Limits, access: Access) -> grpc.aio.Server:
    """The server, without a port. gRPC itself refuses larger messages, compressed or not, with RESOURCE_EXHAUSTED."""
    # reuse would let two receivers share a port, each with half of the telemetry
    options = [("grpc.max_receive_message_length", limits.message_bytes), ("grpc.so_reuseport", 0)]
    made = grpc.aio.server(options=options)
    for signal, service in SERVICES.items():
        method = grpc.unary_unary_rpc_method_handler(_exporter(signal, intake, access))
        made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    return made


def _exporter(signal: Signal, intake: Intake, access: Access) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def export(data: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata())
        if not access.admits(metadata.get("authorization")):
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED, "want the metadata authorization: Bearer and the token"
            )
        try:
            with intake.holding(len(data)):
                receipt = await intake.take(Export(signal, data, "protobuf"), time.time_ns() // 1000)
        except Malformed as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Overloaded as error:
            await _abort_retryable(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        except NotDurable as error:
            await _abort_retryable(context, grpc.StatusCode.UNAVAILABLE, str(error))
        answer: bytes = response(signal, receipt).SerializeToString()
        return answer

    return export


async def _abort_retryable(context: Any, code: grpc.StatusCode, text: str) -> None:
    """RESOURCE_EXHAUSTED is retried only with RetryInfo in its details (opentelemetry-proto, specification.md)."""
    status = failure(code.value[0], text)
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_SECONDS)))
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
    await context.abort(code, text)
