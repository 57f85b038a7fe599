"""Protobuf payloads of one signal → rows, vectorised. What is unusual is isolated and decoded plainly."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from pipelines.decode import BadRow, Decoded, batches, logs, metrics, reference, spans
from pipelines.decode.columns import Bools
from pipelines.decode.context import Rows
from pipelines.decode.rules import Rules
from pipelines.decode.wire import Unusual
from pipelines.payloads import Payload, Signal

ROWS: dict[Signal, Callable[[Sequence[Payload], Rules], Rows]] = {
    "traces": spans.rows,
    "logs": logs.rows,
    "metrics": metrics.rows,
}


def decode(payloads: Sequence[Payload], rules: Rules) -> Decoded:
    """Rows and bad rows of protobuf payloads of one signal, equal to what the plain decoder gives.

    One native call reads them all. When it meets something unusual the list is halved, until the payload concerned
    stands alone and the plain decoder reads it: so one bad message costs its neighbours little.
    """
    signal = payloads[0].signal
    try:
        rows = ROWS[signal](payloads, rules)
    except Unusual:
        if len(payloads) == 1:
            return plainly(payloads, rules)
        middle = len(payloads) // 2
        return joined([decode(payloads[:middle], rules), decode(payloads[middle:], rules)], signal)
    return _decoded(signal, rows)


def plainly(payloads: Sequence[Payload], rules: Rules) -> Decoded:
    """The same by the plain decoder: for small lists, and for what is unusual."""
    decoded = reference.decode(payloads, rules)
    signal = payloads[0].signal if payloads else "traces"
    return replace(decoded, rows=batches.with_dictionaries(decoded.rows, signal))


def joined(parts: Sequence[Decoded], signal: Signal) -> Decoded:
    """Consecutive parts as one."""
    first_payloads = np.cumsum([0, *(len(part.wrong_type_counts) for part in parts)]).tolist()
    placed = list(zip(parts, first_payloads, strict=False))
    return Decoded(
        rows=batches.concatenated([part.rows for part in parts], signal),
        payload_index=pa.array(
            np.concatenate([part.payload_index.to_numpy() + first for part, first in placed]), pa.int32()
        ),
        bad_rows=[replace(b, payload_index=b.payload_index + first) for part, first in placed for b in part.bad_rows],
        wrong_type_counts=[count for part in parts for count in part.wrong_type_counts],
        repaired_row_counts=[count for part in parts for count in part.repaired_row_counts],
    )


def _decoded(signal: Signal, rows: Rows) -> Decoded:
    payloads, payload_index = rows.context.payloads, rows.context.payload_index()
    bad_rows, is_kept = _without_bad_rows(rows)
    schema = batches.schema(signal)
    batch = pa.RecordBatch.from_arrays([rows.columns[name] for name in schema.names], schema=schema)
    if not is_kept.all():
        batch, payload_index = batch.filter(pa.array(is_kept)), payload_index[is_kept]
    wrong_type_counts = np.bincount(payload_index, rows.wrong_type_counts[is_kept], len(payloads)).astype(np.int64)
    return Decoded(
        rows=batch,
        payload_index=pa.array(payload_index),
        bad_rows=bad_rows,
        wrong_type_counts=wrong_type_counts.tolist(),
        repaired_row_counts=[0] * len(payloads),
    )


def _without_bad_rows(rows: Rows) -> tuple[list[BadRow], Bools]:
    """(bad rows in order, which rows are kept)."""
    bad_rows: list[BadRow] = []
    is_kept = ~rows.is_bad
    if is_kept.all():
        return bad_rows, is_kept
    payload_index = rows.context.payload_index()
    for i in np.unique(payload_index[rows.is_bad]).tolist():
        found = reference.decode([rows.context.payloads[i]], rows.context.rules).bad_rows
        bad_rows += [replace(bad, payload_index=i) for bad in found]
        if any(bad.row_ordinal is None for bad in found):
            is_kept[payload_index == i] = False
    return bad_rows, is_kept
