"""Files of unknown content: unfolded and cut into messages, every byte accounted for, memory bounded by the limits."""

import gzip
import re
import zlib
from collections.abc import Sequence
from io import BytesIO

import fastavro
import zstandard

from pipelines.dead_letters import REASONS
from pipelines.errors import BadMessage
from pipelines.payloads import Payload, Unreadable
from pipelines.sources import avro, compression, framing
from pipelines.sources.compression import Limits
from pipelines.sources.framing import Damage, Message

LIMITS = Limits(message_bytes=64 << 10, ratio=50)
_RESERVED_FLAG = re.compile(rb"\x1f\x8b\x08[\x20-\xff]", re.DOTALL)  # RFC 1952: an error, which Python's gzip ignores
MAX_PIECE_BYTES = 32 << 20  # the most that compression promises to unfold at once


def check_compressed(inputs: Sequence[bytes]) -> None:
    """Fails unless compressed data unfold to what the codec's own library says, or are refused with a reason."""
    for data in inputs:
        found, whole = _found(data), _whole(data)
        if isinstance(found, BadMessage):
            assert found.reason in REASONS
            assert whole is None or found.reason == "decompressed_too_large", "refused, and readable"
        else:
            assert whole is None or found == whole


def check_avro(inputs: Sequence[bytes]) -> None:
    """Fails unless Avro ends in a known reason, or gives the messages that fastavro's own reader gives."""
    for data in inputs:
        if not avro.starts(BytesIO(data)):
            continue
        found = list(avro.items(BytesIO(data), len(data), 0, "fuzz", None, LIMITS))
        damage = [item for item in found if isinstance(item, Damage)]
        assert len(damage) <= 1
        assert {item.reason for item in found if not isinstance(item, Payload)} <= REASONS.keys()
        whole = _read_by_fastavro(data)
        assert damage or whole is None or len(found) == whole, "another number of messages than fastavro reads"


def _read_by_fastavro(data: bytes) -> int | None:
    """How many records fastavro's own reader finds; None where it gives up, however it does."""
    try:
        return sum(1 for _ in fastavro.reader(BytesIO(data)))
    except Exception:  # noqa: BLE001  (what it raises on damaged files is no part of its interface)
        return None


def _found(data: bytes) -> bytes | BadMessage:
    try:
        return _unfolded(data)
    except BadMessage as error:
        return error


def _unfolded(data: bytes) -> bytes:
    out, bound = bytearray(), max(LIMITS.message_bytes, len(data) * LIMITS.ratio)
    for piece in compression.pieces(BytesIO(data), len(data), LIMITS):
        assert len(piece) <= MAX_PIECE_BYTES
        out += piece
        assert len(out) <= max(bound, len(data)), "unfolds past its bound"
    return bytes(out)


def _whole(data: bytes) -> bytes | None:
    """All of it by another reader; None when that refuses, or it unfolds to more than the bound."""
    if compression.codec(data) is None:
        return data
    bound = max(LIMITS.message_bytes, len(data) * LIMITS.ratio) + 1
    try:
        if _RESERVED_FLAG.search(data):
            return None
        if compression.codec(data) == "gzip":
            with gzip.GzipFile(fileobj=BytesIO(data)) as file:
                return _bounded(file.read(bound), bound)
        reader = zstandard.ZstdDecompressor(max_window_size=128 << 20).stream_reader(data, read_across_frames=True)
        return None if _is_cut(data) else _bounded(reader.read(bound), bound)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError):
        return None


def _bounded(out: bytes, bound: int) -> bytes | None:
    return out if len(out) < bound else None


def _is_cut(data: bytes) -> bool:
    """Whether zstd data stop inside a frame or hold padding: its reader tells neither."""
    while data:
        decoder = zstandard.ZstdDecompressor(max_window_size=128 << 20).decompressobj()
        decoder.decompress(data)
        if not decoder.eof:
            return True
        data = decoder.unused_data
    return False


def check_framed(inputs: Sequence[bytes]) -> None:
    """Fails unless messages and damages of a file follow each other, lie in it, and leave out nothing but space."""
    for data in inputs:
        found = list(framing.messages(BytesIO(data), len(data), LIMITS))
        for each in found:
            if isinstance(each, Damage):
                assert each.reason in REASONS
                assert 0 <= each.start_byte <= each.end_byte <= len(data)
            else:
                _check_message(each)
        if compression.codec(data) is None:
            _check_places(data, found)


def _check_message(message: Message) -> None:
    assert len(message.data) <= LIMITS.message_bytes
    made = framing.payload(message.data, 0, "fuzz", None)
    assert isinstance(made, Payload | Unreadable)
    if isinstance(made, Unreadable):
        assert made.reason in REASONS
        assert b"".join(made.pieces(7)) == message.data


def _check_places(data: bytes, found: Sequence[Message | Damage]) -> None:
    at = 0
    for each in found:
        start = each.at_byte if isinstance(each, Message) else each.start_byte
        assert at <= start, "overlaps the one before"
        assert start - at <= 4 or not data[at:start].strip(), "bytes between two messages are lost"
        at = each.end_byte if isinstance(each, Damage) else _end(data, each)
    assert not data[at:].strip(), "bytes at the end are lost"


def _end(data: bytes, message: Message) -> int:
    """Where an uncompressed message ends; a compressed one, or one after space, is found by what precedes it."""
    at = data.find(message.data, message.at_byte)
    if at >= 0 and not data[message.at_byte : at].strip():
        return at + len(message.data)
    size_bytes = int.from_bytes(data[message.at_byte - 4 : message.at_byte], "big")
    return message.at_byte + size_bytes
