"""Dead letters: what could not become a row, with its bytes and a reason, and the way back."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import tables
from pipelines.decode import BadRow
from pipelines.errors import UsageError
from pipelines.payloads import Payload, Unreadable, in_pieces

PIECE_BYTES = 4 << 20  # a row of BigQuery takes 10 MB

REASONS: Mapping[str, str] = {
    "bad_protobuf": "The message is not the protobuf of an OTLP export request.",
    "bad_json": "The message is not the JSON of an OTLP export request.",
    "unknown_signal": "Nothing tells whether it is traces, logs or metrics, or it is no OTLP at all.",
    "message_too_large": "The message exceeds --max-message.",
    "decompressed_too_large": "The compressed bytes unfold to more than --max-message, or to more than is plausible.",
    "truncated_file": "The file stops inside a message.",
    "bad_compression": "The gzip or zstd data are damaged.",
    "start_time_unknown": "The span has start time 0: no partition can hold it.",
    "point_time_unknown": "The metric point has time 0: no partition can hold it.",
    "time_out_of_range": "The event time is too far from the receive time (--max-past-days, --max-future-days).",
    "bad_trace_id": "The trace id has a wrong length, or is all zero on a span.",
    "bad_span_id": "The span id has a wrong length, or is all zero on a span.",
    "bad_parent_span_id": "The parent span id has a wrong length.",
    "count_out_of_range": "A list holds a count above 2^63-1, which INT64 cannot.",
    "expands_too_much": "The rows would repeat their resource, scope or metric many times over the message's bytes.",
    "refused_by_table": "The table does not take the row; error_text has BigQuery's words.",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. `pieces(n)` yields its bytes, at most n at a time; `content_id` is their hash, 32 hex digits."""

    signal: str
    reason: str
    error_text: str
    pieces: Callable[[int], Iterator[bytes]]
    encoding: str
    payload_id: str | None
    row_ordinal: int | None
    source: str
    attributes: Mapping[str, str]
    receive_time_us: int
    is_published: bool
    attempt: int
    content_id: str
    byte_count: int

    @property
    def dead_letter_id(self) -> str:
        """The same for the same trouble with the same bytes, however often they come."""
        ordinal = "" if self.row_ordinal is None else self.row_ordinal
        identity = f"{self.payload_id or ''} {ordinal} {self.reason} {self.content_id}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def is_row(self) -> bool:
        return self.row_ordinal is not None

    def data(self) -> bytes:
        return b"".join(self.pieces(PIECE_BYTES))

    def opened(self) -> BinaryIO:
        """The letter's bytes as a file, on disk when they are many."""
        file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=2 * PIECE_BYTES))  # noqa: SIM115 - caller's
        file.writelines(self.pieces(PIECE_BYTES))
        file.seek(0)
        return file


def check_reason(reason: str | None) -> None:
    """Raises UsageError if there is no such reason code; None is any."""
    if reason is not None and reason not in REASONS:
        near = get_close_matches(reason, REASONS, 1)
        cure = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(REASONS)}"
        raise UsageError(f"unknown reason {reason!r}: {cure}")


def of_row(payload: Payload, bad: BadRow) -> Letter:
    """Letter of what decode could not keep of a payload."""
    return Letter(
        signal=payload.signal,
        reason=bad.reason,
        error_text=bad.error_text,
        pieces=partial(in_pieces, bad.data),
        encoding=bad.encoding,
        payload_id=payload.payload_id,
        row_ordinal=bad.row_ordinal,
        source=payload.source,
        attributes=payload.attributes,
        receive_time_us=payload.receive_time_us,
        is_published=payload.is_published,
        attempt=payload.attempt + 1,
        content_id=hashlib.sha256(bad.data).hexdigest()[:32],
        byte_count=len(bad.data),
    )


def of_bytes(bytes_: Unreadable) -> Letter:
    """Letter of bytes that are no payload. Reads them once, for their hash."""
    digest, byte_count = hashlib.sha256(), 0
    for piece in bytes_.pieces(PIECE_BYTES):
        digest.update(piece)
        byte_count += len(piece)
    return Letter(
        signal="unknown",
        reason=bytes_.reason,
        error_text=bytes_.error_text,
        pieces=bytes_.pieces,
        encoding=bytes_.encoding,
        payload_id=bytes_.payload_id,
        row_ordinal=None,
        source=bytes_.source,
        attributes=bytes_.attributes,
        receive_time_us=bytes_.receive_time_us,
        is_published=bytes_.is_published,
        attempt=bytes_.attempt + 1,
        content_id=digest.hexdigest()[:32],
        byte_count=byte_count,
    )


def batches(letters: Iterable[Letter]) -> Iterator[pa.RecordBatch]:
    """Rows of letters in the schema of dead_letters, a row for each piece, about a piece's bytes at a time."""
    waiting: list[dict[str, Any]] = []
    waiting_bytes = 0
    for letter in letters:
        for row in _rows(letter):
            waiting.append(row)
            waiting_bytes += len(row["payload"])
            if waiting_bytes >= PIECE_BYTES:
                yield _batch(waiting)
                waiting, waiting_bytes = [], 0
    if waiting:
        yield _batch(waiting)


def read(lake: Path, is_wanted: Callable[[str, str, str], bool]) -> Iterator[Letter]:
    """Letters of a lake for which `is_wanted(dead_letter_id, reason, signal)`, each once, in part order.

    A letter's bytes stay readable until the next one is asked for.
    """
    seen: set[str] = set()
    columns = tables.arrow_schema("dead_letters").names
    for path in sorted((lake / "dead_letters").glob("event_date=*/*.parquet")):
        with pq.ParquetFile(path) as part, tempfile.SpooledTemporaryFile(max_size=2 * PIECE_BYTES) as spool:
            for row in (r for b in part.iter_batches(batch_size=16, columns=columns) for r in b.to_pylist()):
                identity = row["dead_letter_id"]
                if identity in seen or not is_wanted(identity, row["reason"], row["signal"]):
                    continue
                if row["chunk_ordinal"] == 0:
                    spool.seek(0)
                    spool.truncate()
                spool.write(row["payload"])
                if row["chunk_ordinal"] == row["chunk_count"] - 1:
                    seen.add(identity)
                    yield _letter(row, spool)


def reason_counts(lake: Path, unit_ids: Collection[str]) -> dict[str, int]:
    """Letters of some units by reason, most frequent first."""
    counts: Counter[str] = Counter()
    for path in (lake / "dead_letters").glob("event_date=*/*.parquet"):
        if path.stem.partition("-")[0] in unit_ids:
            rows = pq.read_table(path, columns=["reason", "chunk_ordinal"], partitioning=None).to_pydict()
            counts.update(r for r, ordinal in zip(rows["reason"], rows["chunk_ordinal"], strict=True) if ordinal == 0)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _rows(letter: Letter) -> Iterator[dict[str, Any]]:
    row = {
        "dead_letter_id": letter.dead_letter_id,
        "signal": letter.signal,
        "reason": letter.reason,
        "error_text": letter.error_text,
        "encoding": letter.encoding,
        "payload_id": letter.payload_id,
        "row_ordinal": letter.row_ordinal,
        "chunk_count": max(1, -(-letter.byte_count // PIECE_BYTES)),
        "source": letter.source,
        "attributes": [{"key": key, "value": value} for key, value in letter.attributes.items()],
        "publish_time": letter.receive_time_us if letter.is_published else None,
        "ingest_time": letter.receive_time_us,
        "attempt": letter.attempt,
        "schema_version": tables.SCHEMA_VERSION,
    }
    pieces = letter.pieces(PIECE_BYTES) if letter.byte_count else iter([b""])
    yield from (row | {"payload": piece, "chunk_ordinal": ordinal} for ordinal, piece in enumerate(pieces))


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=tables.arrow_schema("dead_letters"))


def _letter(row: Mapping[str, Any], spool: Any) -> Letter:
    byte_count = spool.tell()
    digest = hashlib.sha256()
    pieces = partial(_pieces, spool)
    for piece in pieces(PIECE_BYTES):
        digest.update(piece)
    return Letter(
        signal=row["signal"],
        reason=row["reason"],
        error_text=row["error_text"],
        pieces=pieces,
        encoding=row["encoding"],
        payload_id=row["payload_id"],
        row_ordinal=row["row_ordinal"],
        source=row["source"],
        attributes={pair["key"]: pair["value"] for pair in row["attributes"]},
        receive_time_us=_microseconds(row["ingest_time"]),
        is_published=row["publish_time"] is not None,
        attempt=row["attempt"],
        content_id=digest.hexdigest()[:32],
        byte_count=byte_count,
    )


def _microseconds(time: Any) -> int:
    return int(pa.scalar(time, pa.timestamp("us", tz="UTC")).cast(pa.int64()).as_py())


def _pieces(file: BinaryIO, piece_bytes: int) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(piece_bytes):
        yield piece
