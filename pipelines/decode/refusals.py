"""Rows that decode well and that a table would not take: out of the rows, into the bad rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from pipelines.decode import BadRow, Decoded, reference
from pipelines.decode.rules import Rules
from pipelines.payloads import Payload

REASON = "refused_by_table"

RowKey = tuple[str, int]  # payload id, row ordinal


def without(refused: Mapping[RowKey, str], payloads: Sequence[Payload], decoded: Decoded, rules: Rules) -> Decoded:
    """Decoded rows without those that a table refused, which become bad rows with the table's words."""
    index = np.asarray(decoded.payload_index, np.int64)
    ordinals = np.asarray(decoded.rows.column("row_ordinal"), np.int64)
    keys = [(payloads[i].payload_id, ordinal) for i, ordinal in zip(index.tolist(), ordinals.tolist(), strict=True)]
    is_kept = np.array([key not in refused for key in keys], bool)
    if is_kept.all():
        return decoded
    bad_rows = []
    for row in np.flatnonzero(~is_kept).tolist():
        i, ordinal = int(index[row]), int(ordinals[row])
        request = reference.single_requests(payloads[i], rules)[ordinal]()
        bad_rows.append(BadRow(i, ordinal, REASON, refused[keys[row]], request))
    return replace(
        decoded,
        rows=decoded.rows.filter(pa.array(is_kept)),
        payload_index=index[is_kept].astype(np.int32),
        bad_rows=sorted(decoded.bad_rows + bad_rows, key=lambda bad: bad.payload_index),
    )
