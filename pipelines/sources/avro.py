"""Avro files of a Pub/Sub Cloud Storage subscription → payloads: one record a message, with its metadata if written.

Container: https://avro.apache.org/docs/1.12.0/specification/#object-container-files. Records are read by fastavro,
block by block, so that what a block unfolds to has a bound.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO, Final

import fastavro

from pipelines.errors import BadMessage
from pipelines.payloads import Payload, Signal, Unreadable
from pipelines.sources.compression import Limits
from pipelines.sources.framing import Damage

MAGIC: Final = b"Obj\x01"
MOST_BLOCK_BYTES: Final = 1 << 30
_SYNC_BYTES = 16
_BROKEN = (EOFError, ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError)
_TEXT = {"type": "string"}
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "subscription_name": _TEXT,
    "message_id": _TEXT,
    "ordering_key": _TEXT,
    "publish_time": {"type": "long", "logicalType": "timestamp-micros"},
    "attributes": {"type": "map", "values": "string"},
    "data": {"type": "bytes"},
}


def starts(file: BinaryIO) -> bool:
    """Whether a file is Avro; leaves it at its start."""
    head = file.read(len(MAGIC))
    file.seek(0)
    return head == MAGIC


def items(
    file: BinaryIO, byte_count: int, receive_time_us: int, source: str, hint: Signal | None, limits: Limits
) -> Iterator[Payload | Unreadable | Damage]:
    """Messages of an Avro file in their order, received when they were published; what breaks it off, as Damage of the
    whole file, at the end.

    Without metadata a message is received when the file was, and an empty one has the signal of the file's name.
    """
    try:
        for number, record in enumerate(_records(file, byte_count, limits)):
            yield _message(record, number, receive_time_us, source, hint, limits)
    except BadMessage as error:
        yield Damage(error.reason, str(error), 0, byte_count)
    except _BROKEN as error:
        yield Damage("truncated_file", f"Avro breaks off: {type(error).__name__}", 0, byte_count)


def _message(
    record: Mapping[str, Any], number: int, receive_time_us: int, source: str, hint: Signal | None, limits: Limits
) -> Payload | Unreadable:
    from pipelines.sources.pubsub import CE_TYPES, payload_of

    names = {signal: ce_type for ce_type, signal in CE_TYPES.items()}
    attributes = dict(record.get("attributes") or ({"ce-type": names[hint]} if hint else {}))
    published = record.get("publish_time")
    is_published = isinstance(published, datetime)
    if isinstance(published, datetime):
        receive_time_us = round(published.timestamp() * 1_000_000)
    identity = f"{source}#{record.get('message_id') or number}"
    return payload_of(bytes(record["data"]), attributes, receive_time_us, identity, limits, is_published=is_published)


def _records(file: BinaryIO, byte_count: int, limits: Limits) -> Iterator[Mapping[str, Any]]:
    """Raises BadMessage, or one of _BROKEN where the file stops or lies."""
    metadata, sync = _header(file, byte_count)
    schema, codec = _schema(metadata.get("avro.schema", b"")), metadata.get("avro.codec", b"null").decode()
    if codec not in _UNFOLD:
        raise BadMessage("bad_compression", f"Avro with codec {codec[:40]}: only {', '.join(_UNFOLD)} can be read")
    while file.tell() < byte_count:
        count, size = _long(file), _long(file)
        if count < 0:
            raise EOFError
        block = BytesIO(_UNFOLD[codec](_bytes(file, size, byte_count), limits))
        for _ in range(count):
            yield fastavro.schemaless_reader(block, schema)  # type: ignore[misc]
        if file.read(_SYNC_BYTES) != sync:
            raise EOFError


def _header(file: BinaryIO, byte_count: int) -> tuple[dict[str, bytes], bytes]:
    """(metadata, sync marker) of a file that was at its start."""
    file.seek(len(MAGIC))
    metadata: dict[str, bytes] = {}
    while count := _long(file):
        if count < 0:
            _long(file)  # bytes of this part of the map
        for _ in range(abs(count)):
            key = _bytes(file, _long(file), byte_count).decode()
            metadata[key] = _bytes(file, _long(file), byte_count)
    return metadata, file.read(_SYNC_BYTES)


def _schema(text: bytes) -> Any:
    """The schema of a file as our own, for reading; a foreign one could ask for anything."""
    found = json.loads(text)
    fields = found["fields"] if isinstance(found, dict) and found.get("type") == "record" else []
    names = [field["name"] for field in fields]
    if "data" not in names:
        raise BadMessage("unknown_signal", "Avro, but not of a Pub/Sub Cloud Storage subscription: no field data")
    if strange := [field["name"] for field in fields if not _is_known(field)]:
        raise BadMessage("unknown_signal", f"Avro whose field {str(strange[0])[:40]} Pub/Sub does not write")
    known = [{"name": name, "type": _FIELDS[name]} for name in names]
    return fastavro.parse_schema({"type": "record", "name": "Message", "fields": known})


def _is_known(field: Mapping[str, Any]) -> bool:
    want, kind = _FIELDS.get(field["name"]), field["type"]
    plain = {"type": kind["type"], "values": kind.get("values")} if isinstance(kind, dict) else {"type": kind}
    return isinstance(want, dict) and all(plain.get(key) == want[key] for key in want if key != "logicalType")


def _bytes(file: BinaryIO, size: int, byte_count: int) -> bytes:
    if not 0 <= size <= byte_count - file.tell():
        raise EOFError
    return file.read(size)


def _long(file: BinaryIO) -> int:
    """Avro's zigzag varint."""
    value = shift = 0
    while shift < 70:
        byte = file.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7
    raise ValueError("a number of more than 64 bits")


def _deflated(folded: bytes, limits: Limits) -> bytes:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        most = min(max(limits.message_bytes, len(folded) * limits.ratio), max(limits.message_bytes, MOST_BLOCK_BYTES))
        plain = decoder.decompress(folded, most)
    except zlib.error:
        raise BadMessage("bad_compression", "a block of Avro is no deflate") from None
    if decoder.unconsumed_tail:
        raise BadMessage("decompressed_too_large", "a block of Avro unfolds to more than is plausible")
    return plain


_UNFOLD: dict[str, Callable[[bytes, Limits], bytes]] = {
    "null": lambda block, limits: block,
    "deflate": _deflated,
}
