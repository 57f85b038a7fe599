"""One OTLP request and where it came from: the unit that every source yields and decode/ reads. Pure."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal, Mapping

Signal = Literal["traces", "logs", "metrics"]
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")


def payload_id(data: bytes) -> str:
    """Identity of a request: SHA-256 of its uncompressed bytes, first 32 hex digits. Retries and redeliveries share it."""
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Payload:
    """One OTLP export request, uncompressed.

    `data` is the bytes as sent (protobuf, or JSON when `encoding` is "json"); `receive_time_us` is µs since
    1970-01-01 UTC, given by the source (file, object or publish time), never by a clock in the pipeline.
    A replayed row keeps the `payload_id` of the request it came from, and starts at `first_row_ordinal`.
    """

    signal: Signal
    data: bytes
    encoding: Literal["protobuf", "json"]
    payload_id: str
    receive_time_us: int
    source: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    first_row_ordinal: int = 0
    attempt: int = 0
