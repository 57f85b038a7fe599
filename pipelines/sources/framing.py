"""The bytes of a file → OTLP messages, whatever the file is: told by its content, never by its name.

One request body (protobuf or JSON), JSON lines, or messages with their length before them (4 bytes, big-endian; each
may be compressed by itself); all of it plain, gzip or zstd. Memory holds one message, whatever the size of the file.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Final

import orjson

from pipelines.errors import BadMessage
from pipelines.payloads import (
    Encoding,
    Payload,
    Signal,
    Unreadable,
    in_pieces,
    is_json,
    json_signal,
    payload_id,
    protobuf_signal,
)
from pipelines.sources.compression import Limits, codec, pieces, too_large_unfolded, unfolded

_HEAD_BYTES = 4096
_LENGTH_BYTES = 4
_REQUEST_TAG: Final = 0x0A  # field 1, bytes: the only field of an OTLP export request
_DOCUMENT = re.compile(rb'[ \t]*\{[ \t]*"resource_?(?:[sS]pans|[lL]ogs|[mM]etrics)"')


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message, uncompressed, and where it started in the unfolded file."""

    data: bytes
    at_byte: int


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the file that holds no message that can be read; `payload_id` only when it is one whole message."""

    reason: str
    error_text: str
    start_byte: int
    end_byte: int
    payload_id: str | None = None


def messages(file: BinaryIO, byte_count: int, limits: Limits) -> Iterator[Message | Damage]:
    """Messages of the first `byte_count` bytes of a file, in order, and what lies between them.

    In a compressed file no stretch stands by itself: what is damaged or too large in it makes one Damage of the whole
    file, at the end, after every message that could be read.
    """
    is_compressed = codec(file.read(min(4, byte_count))) is not None
    file.seek(0)
    stream = _Stream(pieces(file, byte_count, limits))
    damage: Damage | None = None
    try:
        for found in _framed(stream, limits):
            if isinstance(found, Damage) and is_compressed:
                damage = damage or _in_compressed(found, limits)
            else:
                yield found
    except BadMessage as error:
        damage = damage or Damage(error.reason, str(error), 0, byte_count)
    if damage:
        yield replace(damage, start_byte=0, end_byte=byte_count)


def payload(data: bytes, receive_time_us: int, source: str, hint: Signal | None) -> Payload | Unreadable:
    """A framed message as a payload; `hint` is the signal of a request that holds nothing to tell it by."""
    encoding: Encoding = "json" if is_json(data) else "protobuf"
    signal = (json_signal(data) if encoding == "json" else protobuf_signal(data)) or hint
    if signal:
        return Payload(signal, data, encoding, payload_id(data), receive_time_us, source)
    text = "a request without a span, log record or metric, and neither its file's name nor ce-type tells its signal"
    pieces = partial(in_pieces, data)
    return Unreadable("unknown_signal", text, pieces, encoding, payload_id(data), receive_time_us, source)


def _in_compressed(damage: Damage, limits: Limits) -> Damage:
    if damage.reason != "message_too_large":
        return replace(damage, payload_id=None)
    error = too_large_unfolded(limits)
    return Damage(error.reason, str(error), 0, 0)


def _framed(stream: "_Stream", limits: Limits) -> Iterator[Message | Damage]:
    head = stream.peek(_HEAD_BYTES)
    second_line = head.partition(b"\n")[2]
    if not head:
        yield Message(b"", 0)  # an empty body is an empty request
    elif is_json(head) or _DOCUMENT.match(second_line):
        yield from _json(stream, limits)
    elif head[0] == _REQUEST_TAG:
        yield from _one(stream, limits)
    elif head.lstrip()[:1] in (b"{", b"["):
        yield _rest(stream, "bad_json", "starts like JSON, but not like an OTLP request")
    elif starts_message(head[_LENGTH_BYTES:]):
        yield from _length_delimited(stream, limits)
    else:
        yield _rest(stream, "unknown_signal", "no OTLP: neither a request nor JSON nor messages with their length")


def _one(stream: "_Stream", limits: Limits, first_line: bytes = b"") -> Iterator[Message | Damage]:
    """All that is left, as one message that starts with a line already read."""
    at_byte = stream.at_byte - len(first_line)
    data = first_line + stream.read(limits.message_bytes + 1 - len(first_line))
    if len(data) <= limits.message_bytes:
        yield Message(data.rstrip(b"\r\n") if first_line else data, at_byte)
        return
    digest = hashlib.sha256(data)
    while piece := stream.read(1 << 20):
        digest.update(piece)
    yield _too_large(at_byte, stream.at_byte, limits, digest.hexdigest()[:32])


def _json(stream: "_Stream", limits: Limits) -> Iterator[Message | Damage]:
    """A document a line, if the first line is one or the second line starts one; else one document."""
    at_byte = stream.at_byte
    line = stream.read_line(limits.message_bytes + 1)
    has_lines = line.endswith(b"\n") or len(line) > limits.message_bytes
    if has_lines and not (_is_document(line) or _DOCUMENT.match(stream.peek(_HEAD_BYTES))):
        yield from _one(stream, limits, line)
        return
    while line:
        if len(line) > limits.message_bytes and not line.endswith(b"\n"):
            digest = hashlib.sha256(line)
            while rest := stream.read_line(1 << 20):
                digest.update(rest.rstrip(b"\n"))
                if rest.endswith(b"\n"):
                    break
            yield _too_large(at_byte, stream.at_byte, limits, digest.hexdigest()[:32])
        elif document := line.strip(b" \t\r\n"):
            yield Message(document, at_byte)
        at_byte = stream.at_byte
        line = stream.read_line(limits.message_bytes + 1)


def _is_document(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _length_delimited(stream: "_Stream", limits: Limits) -> Iterator[Message | Damage]:
    while header := stream.peek(_LENGTH_BYTES + _HEAD_BYTES):
        at_byte, size_bytes = stream.at_byte, int.from_bytes(header[:_LENGTH_BYTES], "big")
        if len(header) > _LENGTH_BYTES and not starts_message(header[_LENGTH_BYTES:]):
            yield _rest(stream, "bad_protobuf", f"no message starts at byte {at_byte}")
            return
        stream.read(_LENGTH_BYTES)
        if size_bytes > limits.message_bytes:
            digest = hashlib.sha256()
            while stream.at_byte < at_byte + _LENGTH_BYTES + size_bytes and (
                piece := stream.read(min(1 << 20, at_byte + _LENGTH_BYTES + size_bytes - stream.at_byte))
            ):
                digest.update(piece)
            if stream.at_byte == at_byte + _LENGTH_BYTES + size_bytes:
                yield _too_large(at_byte + _LENGTH_BYTES, stream.at_byte, limits, digest.hexdigest()[:32])
                continue
        elif len(data := stream.read(size_bytes)) == size_bytes and size_bytes:
            yield _unfolded(data, at_byte + _LENGTH_BYTES, limits)
            continue
        yield Damage("truncated_file", f"stops inside the message at byte {at_byte}", at_byte, stream.at_byte)


def _unfolded(data: bytes, at_byte: int, limits: Limits) -> Message | Damage:
    if codec(data) is None:
        return Message(data, at_byte)
    try:
        return Message(unfolded(data, limits), at_byte)
    except BadMessage as error:
        return Damage(error.reason, str(error), at_byte, at_byte + len(data))


def starts_message(head: bytes) -> bool:
    """Whether bytes may stand after a length: a protobuf request, JSON, or either compressed."""
    return head[:1] == bytes([_REQUEST_TAG]) or codec(head) is not None or is_json(head)


def _too_large(start_byte: int, end_byte: int, limits: Limits, identity: str) -> Damage:
    text = f"{end_byte - start_byte} bytes, more than the {limits.message_bytes} that one message may have"
    return Damage("message_too_large", text, start_byte, end_byte, identity)


def _rest(stream: "_Stream", reason: str, error_text: str) -> Damage:
    start_byte = stream.at_byte
    stream.skip_all()
    return Damage(reason, error_text, start_byte, stream.at_byte)


class _Stream:
    """Pieces of bytes, read as a file is, with a look ahead."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = bytearray()
        self.at_byte = 0

    def peek(self, byte_count: int) -> bytes:
        self._fill(byte_count)
        return bytes(self._buffer[:byte_count])

    def read(self, byte_count: int) -> bytes:
        """The next bytes; fewer only at the end."""
        self._fill(byte_count)
        data = bytes(self._buffer[:byte_count])
        del self._buffer[:byte_count]
        self.at_byte += len(data)
        return data

    def read_line(self, max_bytes: int) -> bytes:
        """The next line with its b"\\n"; without one at the end and when it is longer than `max_bytes`."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched, max_bytes)) < 0:
            searched = len(self._buffer)
            if searched >= max_bytes or not self._fill(searched + 1):
                return self.read(max_bytes)
        return self.read(end + 1)

    def skip_all(self) -> None:
        self.at_byte += len(self._buffer)
        self._buffer.clear()
        for piece in self._pieces:
            self.at_byte += len(piece)

    def _fill(self, byte_count: int) -> bool:
        """Whether so many bytes are there."""
        while len(self._buffer) < byte_count:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._buffer += piece
        return True
