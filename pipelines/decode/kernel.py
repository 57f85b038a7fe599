"""Protobuf payloads of one signal → rows, vectorised. What is unusual is isolated and decoded plainly."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError

from pipelines.decode import BadRow, Decoded, batches, logs, messages, metrics, reference, spans
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

    One native call reads them all. When it meets something unusual, the payloads concerned go to the plain decoder
    and the others are read again: a bad message costs its neighbours one more pass.
    """
    try:
        return _decoded(ROWS[payloads[0].signal](payloads, rules))
    except Unusual:
        return _isolated(payloads, rules)


def _isolated(payloads: Sequence[Payload], rules: Rules) -> Decoded:
    is_odd = [not _is_well_formed(payload) for payload in payloads]
    if all(is_odd) or len(payloads) == 1:
        return plainly(payloads, rules)
    if any(is_odd):
        runs = groupby(zip(is_odd, payloads, strict=True), itemgetter(0))
        parts = [(plainly if odd else decode)([payload for _, payload in run], rules) for odd, run in runs]
    else:
        # Well-formed, but in a form that the kernel does not read: halve until it stands alone.
        middle = len(payloads) // 2
        parts = [decode(payloads[:middle], rules), decode(payloads[middle:], rules)]
    return joined(parts, payloads[0].signal)


def _is_well_formed(payload: Payload) -> bool:
    """Whether it is protobuf, and its strings UTF-8."""
    try:
        messages.OFFICIAL[payload.signal].FromString(payload.data)
    except DecodeError:
        return False
    return True


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


def _decoded(rows: Rows) -> Decoded:
    payloads, payload_index = rows.context.payloads, rows.context.payload_index()
    bad_rows, is_kept = _without_bad_rows(rows)
    schema = batches.schema(payloads[0].signal)
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
        found = reference.bad_rows_of(rows.context.payloads[i], rows.context.rules)
        bad_rows += [replace(bad, payload_index=i) for bad in found]
        if any(bad.row_ordinal is None for bad in found):
            is_kept[payload_index == i] = False
    return bad_rows, is_kept
