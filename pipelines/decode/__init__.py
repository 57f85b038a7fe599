"""Payloads → Arrow rows and bad rows. Pure: no Beam, cloud, clock, environment, logging. `decode` is the way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.payloads import Payload

if TYPE_CHECKING:
    from pipelines.decode.rules import Rules


@dataclass(frozen=True, slots=True)
class BadRow:
    """What could not become a row. `row_ordinal` None means the whole message, and `data` its bytes as sent;
    else `data` is a valid protobuf OTLP request that holds just that row. `error_text` holds no value of the data."""

    payload_index: int
    row_ordinal: int | None
    reason: str
    error_text: str
    data: bytes
    encoding: str = "protobuf"


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows of a list of payloads, all of one signal, in payload and wire order.

    `rows` has the columns of `tables.arrow_schema(signal)`; strings may be dictionary arrays.
    `payload_index` (int32, one a row) says which payload a row came from; the two count lists have an int a payload.
    """

    rows: pa.RecordBatch
    payload_index: Any
    bad_rows: list[BadRow]
    wrong_type_counts: list[int]
    repaired_row_counts: list[int]


def decode(payloads: Sequence[Payload], rules: Rules) -> Decoded:
    """Rows and bad rows of payloads that are all of one signal (no payloads: of traces).

    `rows` has the schema `decode.batches.schema(signal)`: that of the table, with strings that repeat as dictionaries.
    Everything is in memory at once; `decode_groups` is for lists of unknown size.
    """
    from pipelines.decode import groups

    return groups.decode(payloads, rules)


def decode_groups(payloads: Iterable[Payload], rules: Rules) -> Iterator[tuple[Sequence[Payload], Decoded]]:
    """(a few consecutive payloads, their rows) until all payloads of the one signal are done.

    A group is up to 16 MiB of payloads, or one larger payload; decoding takes about ten times its bytes in memory.
    """
    from pipelines.decode import groups

    yield from groups.decode_groups(payloads, rules)


def refused_rows(payloads: Iterable[Payload], rules: Rules) -> Iterator[tuple[Sequence[Payload], list[BadRow]]]:
    """The groups of `decode_groups` with the bad rows alone: a fraction of the work where there are none."""
    from pipelines.decode import groups

    yield from groups.refused_rows(payloads, rules)
