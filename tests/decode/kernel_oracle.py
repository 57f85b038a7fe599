"""The kernel against the plain decoder: equal in every column, bad row and count."""

import pyarrow as pa

from pipelines import decode, tables
from pipelines.decode import Decoded, batches, kernel, reference
from pipelines.decode.rules import Rules
from pipelines.payloads import Payload, Signal, payload_id

RECEIVE_TIME_US = 1_760_000_030_000_000


def payload(signal: Signal, data: bytes, **given: object) -> Payload:
    """A protobuf payload received at RECEIVE_TIME_US."""
    return Payload(signal, data, "protobuf", payload_id(data), RECEIVE_TIME_US, "test", **given)  # type: ignore[arg-type]


def assert_kernel_equals_reference(payloads: list[Payload], rules: Rules) -> Decoded:
    """What the kernel made of the payloads, after comparing it with what the plain decoder makes of them."""
    decoded = kernel.decode(payloads, rules)
    assert_same(decoded, reference.decode(payloads, rules), payloads[0].signal)
    assert_screen_tells_the_same(payloads, decoded, rules)
    return decoded


def assert_screen_tells_the_same(payloads: list[Payload], decoded: Decoded, rules: Rules) -> None:
    """What is refused is told without decoding, and what is not is not called refused."""
    assert [bad for _, found in decode.refused_rows(payloads, rules) for bad in found] == decoded.bad_rows


def assert_same(decoded: Decoded, expected: Decoded, signal: Signal) -> None:
    decoded.rows.validate(full=True)
    assert decoded.rows.schema.equals(batches.schema(signal))
    assert decoded.payload_index.to_pylist() == expected.payload_index.to_pylist()
    for field in tables.arrow_schema(signal):
        column, wanted = decoded.rows.column(field.name).cast(field.type), expected.rows.column(field.name)
        assert _same(column, wanted), (field.name, _first_difference(column, wanted))
    assert decoded.bad_rows == expected.bad_rows
    assert decoded.wrong_type_counts == expected.wrong_type_counts
    assert decoded.repaired_row_counts == expected.repaired_row_counts


def _same(column: pa.Array, wanted: pa.Array) -> bool:
    # NaN is equal to nothing, so such columns are compared as text, which also tells -0.0 from 0.0.
    return column.equals(wanted) or repr(column.to_pylist()) == repr(wanted.to_pylist())


def _first_difference(column: pa.Array, wanted: pa.Array) -> tuple[int, str, str]:
    pairs = zip(column.to_pylist(), wanted.to_pylist(), strict=True)
    return next((i, repr(got), repr(want)) for i, (got, want) in enumerate(pairs) if repr(got) != repr(want))
