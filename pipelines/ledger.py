"""The ledger: what became of every payload, by table and event date; one file a unit, whose rename commits the unit."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines import tables
from pipelines.dead_letters import Letter
from pipelines.decode import Decoded
from pipelines.payloads import Payload

Engine = Literal["batch", "dataflow", "replay", "worker"]  # what ran, as in schemas/ingest_ledger.json
_DAY_US = 86_400_000_000
_KEY = ["payload_id", "table_name", "event_date"]
_SUMS = (
    "delivery_count", "decoded_row_count", "written_row_count", "dead_lettered_row_count", "unparsed_message_count",
    "replayed_row_count", "wrong_type_count", "repaired_row_count",
)  # fmt: skip
_FIRSTS = ("signal", "payload_bytes", "source", "receive_time")


class Entries:
    """Ledger entries of one unit as they come; `table()` adds them up."""

    def __init__(self, unit_id: str, engine: Engine) -> None:
        self._unit_id = unit_id
        self._engine = engine
        self._chunks: list[pa.Table] = []

    def add_decoded(self, payloads: Sequence[Payload], decoded: Decoded, days: npt.NDArray[np.int64]) -> None:
        """Entries of decoded payloads; `days` has the event day of each row, as days since 1970-01-01."""
        index = np.asarray(decoded.payload_index, np.int64)
        # A payload and a day as one number: numpy sorts pairs twenty times slower.
        day_count = days.max(initial=0) + 1
        pairs, counts = np.unique(index * day_count + days, return_counts=True)
        self._add_rows(payloads, decoded, pairs // day_count, pairs % day_count, counts)
        self._add_bad(payloads, decoded)
        is_empty = np.ones(len(payloads), bool)
        is_empty[index] = False
        is_empty[[bad.payload_index for bad in decoded.bad_rows]] = False
        empty = np.flatnonzero(is_empty)
        receive_days = np.array([payloads[i].receive_time_us // _DAY_US for i in empty.tolist()], np.int64)
        self._add_rows(payloads, decoded, empty, receive_days, np.zeros(len(empty), np.int64))

    def add_unreadable(self, letter: Letter) -> None:
        """The entry of bytes that are no payload."""
        self._add(
            {
                "payload_id": [letter.payload_id or letter.content_id],
                "table_name": ["dead_letters"],
                "event_date": [letter.receive_time_us // _DAY_US],
                "signal": [letter.signal],
                "payload_bytes": [letter.byte_count],
                "source": [letter.source],
                "receive_time": [letter.receive_time_us],
                "unparsed_message_count": [1],
            }
        )

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def table(self) -> pa.Table:
        """Rows of ingest_ledger for the unit, ordered by event date, table and payload."""
        schema = tables.arrow_schema("ingest_ledger")
        if not self._chunks:
            return schema.empty_table()
        summed = (
            pa.concat_tables(self._chunks)
            .group_by(_KEY, use_threads=False)
            .aggregate([(name, "sum") for name in _SUMS] + [(name, "first") for name in _FIRSTS])
        )
        columns: dict[str, Any] = {name: summed[name] for name in _KEY}
        columns |= {name: summed[f"{name}_sum"] for name in _SUMS} | {name: summed[f"{name}_first"] for name in _FIRSTS}
        if self._engine == "replay":  # each letter comes once, several may be rows of one payload
            columns["delivery_count"] = pa.array(np.ones(summed.num_rows, np.int64))
        constants = {
            "unit_id": self._unit_id,
            "erased_row_count": 0,
            "expired_row_count": 0,
            "commit_time": None,
            "engine": self._engine,
            "schema_version": tables.SCHEMA_VERSION,
        }
        for name, value in constants.items():
            columns[name] = pa.repeat(pa.scalar(value, schema.field(name).type), summed.num_rows)
        rows = pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)
        return rows.sort_by([(name, "ascending") for name in ("event_date", "table_name", "payload_id")])

    def _add_rows(
        self,
        payloads: Sequence[Payload],
        decoded: Decoded,
        index: npt.NDArray[np.int64],
        days: npt.NDArray[np.int64],
        counts: npt.NDArray[np.int64],
    ) -> None:
        is_first = np.diff(index, prepend=-1) != 0  # counts of a payload stand in its earliest entry
        self._add(
            _described(payloads, index)
            | {
                "table_name": [payloads[0].signal] * len(index),
                "event_date": days,
                "decoded_row_count": counts,
                "written_row_count": counts,
                "replayed_row_count": counts if self._engine == "replay" else None,
                "wrong_type_count": np.asarray(decoded.wrong_type_counts, np.int64)[index] * is_first,
                "repaired_row_count": np.asarray(decoded.repaired_row_counts, np.int64)[index] * is_first,
            }
        )

    def _add_bad(self, payloads: Sequence[Payload], decoded: Decoded) -> None:
        rows = Counter(bad.payload_index for bad in decoded.bad_rows if bad.row_ordinal is not None)
        whole = Counter(bad.payload_index for bad in decoded.bad_rows if bad.row_ordinal is None)
        index = np.array(sorted(rows | whole), np.int64)
        dead_counts = np.array([rows[i] for i in index.tolist()], np.int64)
        self._add(
            _described(payloads, index)
            | {
                "table_name": ["dead_letters"] * len(index),
                "event_date": np.array([payloads[i].receive_time_us // _DAY_US for i in index.tolist()], np.int64),
                "decoded_row_count": dead_counts,
                "dead_lettered_row_count": dead_counts,
                "unparsed_message_count": np.array([whole[i] for i in index.tolist()], np.int64),
            }
        )

    def _add(self, columns: dict[str, Any]) -> None:
        count = len(columns["payload_id"])
        if count:
            zeros, ones = np.zeros(count, np.int64), np.ones(count, np.int64)
            numbers = {name: columns.get(name) for name in _SUMS} | {"delivery_count": ones}
            columns |= {name: zeros if value is None else value for name, value in numbers.items()}
            columns["event_date"] = pa.array(columns["event_date"], pa.int32()).cast(pa.date32())
            self._chunks.append(pa.table({name: columns[name] for name in (*_KEY, *_SUMS, *_FIRSTS)}))


def _described(payloads: Sequence[Payload], index: npt.NDArray[np.int64]) -> dict[str, Any]:
    chosen = [payloads[i] for i in index.tolist()]
    return {
        "payload_id": [p.payload_id for p in chosen],
        "signal": [p.signal for p in chosen],
        "payload_bytes": np.array([len(p.data) for p in chosen], np.int64),
        "source": [p.source for p in chosen],
        "receive_time": np.array([p.receive_time_us for p in chosen], np.int64),
    }
