"""Compressed files and frames → their bytes in pieces, with a bound on what hostile ones may unfold to."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import deflate
import zstandard

from pipelines.errors import BadMessage

MIB = 1 << 20
_GZIP, _ZSTD, _ZSTD_SKIPPABLE = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
_GZIP_BYTES = 18  # of head and trailer
_MAX_ZSTD_WINDOW_BYTES = 128 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """How large one message may be, uncompressed, and how many bytes one compressed byte may stand for."""

    message_bytes: int = 64 * MIB
    ratio: int = 500


def codec(head: bytes) -> str | None:
    """Compression that bytes start with: "gzip", "zstd" or None."""
    if head.startswith(_GZIP):
        return "gzip"
    is_zstd = head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F)
    return "zstd" if is_zstd else None


def pieces(file: BinaryIO, byte_count: int, limits: Limits) -> Iterator[bytes]:
    """The first `byte_count` bytes of a file, unfolded, some MiB at a time; several gzip members or zstd frames join.

    Raises BadMessage: bad_compression, truncated_file, or decompressed_too_large past `limits.ratio`.
    """
    head = file.read(min(4, byte_count))
    file.seek(0)
    kind = codec(head)
    if kind is None:
        yield from _raw(file, byte_count, MIB)
    elif kind == "gzip" and byte_count <= 8 * MIB:
        yield from _gzip_at_once(file.read(byte_count), limits)
    else:
        yield from _members(_raw(file, byte_count, _PIECE_BYTES[kind]), kind, limits)


def unfolded(data: bytes, limits: Limits) -> bytes:
    """One compressed message as it was before. Raises BadMessage as `pieces` does, and when it exceeds the limit."""
    out: list[bytes] = []
    byte_count = 0
    for piece in pieces(BytesIO(data), len(data), limits):
        out.append(piece)
        byte_count += len(piece)
        if byte_count > limits.message_bytes:
            raise too_large_unfolded(limits)
    return b"".join(out)


def declared_bytes(data: bytes, limits: Limits) -> int:
    """How large a message says it is unfolded, unread: what its last gzip member or its first zstd frame declares, at
    most what the limits allow; that of one which declares nothing is its own size."""
    kind, declared = codec(data[:4]), 0
    if kind == "gzip" and len(data) >= _GZIP_BYTES:
        declared = int.from_bytes(data[-4:], "little")
    elif kind == "zstd":
        with suppress(zstandard.ZstdError):
            declared = zstandard.frame_content_size(data)
    return max(len(data), min(declared, limits.message_bytes, len(data) * limits.ratio))


def too_large_unfolded(limits: Limits) -> BadMessage:
    return BadMessage(
        "decompressed_too_large", f"unfolds to more than the {limits.message_bytes} bytes that one message may have"
    )


def _raw(file: BinaryIO, byte_count: int, piece_bytes: int) -> Iterator[bytes]:
    left = byte_count
    while left > 0 and (piece := file.read(min(piece_bytes, left))):
        left -= len(piece)
        yield piece


def _gzip_at_once(data: bytes, limits: Limits) -> Iterator[bytes]:
    """libdeflate has twice zlib's speed but reads one member only, into memory of the size that the data declare."""
    declared_bytes = int.from_bytes(data[-4:], "little")
    is_one_member = data.find(_GZIP, 1) < 0
    # 0 may be padding after the end: libdeflate would then give nothing, and call that right.
    if is_one_member and 0 < declared_bytes <= min(limits.message_bytes, len(data) * limits.ratio):
        try:
            whole = bytes(deflate.gzip_decompress(data))
        except deflate.DeflateError:
            whole = b""
        if len(whole) == declared_bytes:
            yield whole
            return
    yield from _members(_raw(BytesIO(data), len(data), _PIECE_BYTES["gzip"]), "gzip", limits)


def _gzip_decoder() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd_decoder() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW_BYTES).decompressobj()


_DECODERS: dict[str, Callable[[], Any]] = {"gzip": _gzip_decoder, "zstd": _zstd_decoder}
# What a decoder gets at once, so small that the worst it can unfold to is some 32 MiB (zstd: 128 KiB from 4 bytes).
_PIECE_BYTES = {"gzip": 16 << 10, "zstd": 1 << 10}


def _members(compressed: Iterator[bytes], kind: str, limits: Limits) -> Iterator[bytes]:
    decoder: Any = None
    read_bytes = unfolded_bytes = 0
    for piece in compressed:
        read_bytes += len(piece)
        rest = piece
        while rest := rest if decoder else rest.lstrip(b"\0"):  # padding between members is legal
            decoder = decoder or _DECODERS[kind]()
            try:
                out = decoder.decompress(rest)
            except (zlib.error, zstandard.ZstdError) as error:
                raise BadMessage("bad_compression", f"{kind} data are damaged near byte {read_bytes}") from error
            unfolded_bytes += len(out)
            if unfolded_bytes > max(limits.message_bytes, read_bytes * limits.ratio):
                raise BadMessage(
                    "decompressed_too_large", f"{read_bytes} bytes unfold to more than {limits.ratio} each"
                )
            if out:
                yield out
            rest = decoder.unused_data if decoder.eof else b""
            decoder = None if decoder.eof else decoder
    if decoder:
        raise BadMessage("truncated_file", f"{kind} data stop before their end, at byte {read_bytes}")
