"""Bytes of a file → messages: told by content, and nothing good is lost beside something bad."""

import gzip
from io import BytesIO

import pytest
import zstandard

from pipelines.payloads import json_signal, payload_id, protobuf_signal
from pipelines.sources.compression import Limits
from pipelines.sources.framing import Damage, Message, messages
from tests.pipeline.telemetry import as_json, delimited, logs, points, spans

ONE, TWO = spans(1), spans(20)
JSON_ONE, JSON_TWO = as_json(ONE), as_json(TWO)


def framed(data: bytes, limits: Limits | None = None) -> list[Message | Damage]:
    return list(messages(BytesIO(data), len(data), limits or Limits()))


def data_of(found: list[Message | Damage]) -> list[bytes]:
    return [message.data for message in found if isinstance(message, Message)]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (ONE, [ONE]),
        (JSON_ONE, [JSON_ONE]),
        (b"\xef\xbb\xbf" + JSON_ONE, [b"\xef\xbb\xbf" + JSON_ONE]),
        (b'{\n  "resourceSpans": [\n  ]\n}\n', [b'{\n  "resourceSpans": [\n  ]\n}']),
        (JSON_ONE + b"\n" + JSON_TWO + b"\n", [JSON_ONE, JSON_TWO]),
        (JSON_ONE + b"\r\n\r\n" + JSON_TWO, [JSON_ONE, JSON_TWO]),
        (delimited(ONE, TWO), [ONE, TWO]),
        (delimited(JSON_ONE, TWO), [JSON_ONE, TWO]),
        (delimited(zstandard.compress(ONE), gzip.compress(JSON_TWO)), [ONE, JSON_TWO]),
        (b"", [b""]),
    ],
    ids=[
        "protobuf",
        "json",
        "bom",
        "pretty json",
        "lines",
        "blank lines",
        "delimited",
        "mixed",
        "own compression",
        "empty",
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_every_framing_is_told_by_content_whatever_wraps_it(
    file: bytes, expected: list[bytes], compress: type[bytes]
) -> None:
    assert data_of(framed(compress(file))) == expected


def test_gzip_with_zeros_after_its_end_is_read() -> None:
    assert data_of(framed(gzip.compress(ONE) + bytes(512))) == [ONE]


def test_gzip_members_of_equal_size_are_all_read() -> None:
    half = len(JSON_ONE) // 2
    members = (
        gzip.compress(JSON_ONE[:half]) + gzip.compress(JSON_ONE[half : 2 * half]) + gzip.compress(JSON_ONE[2 * half :])
    )

    assert data_of(framed(members)) == [JSON_ONE]


def test_zstd_frames_and_skippable_frames_join() -> None:
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    file = skippable + zstandard.compress(delimited(ONE)) + zstandard.compress(delimited(TWO))

    assert data_of(framed(file)) == [ONE, TWO]


@pytest.mark.parametrize(
    ("file", "kept", "damage"),
    [
        (delimited(ONE, TWO)[:-3], [ONE], ("truncated_file", len(ONE) + 4, len(ONE) + len(TWO) + 5)),
        (delimited(ONE) + b"\0\0", [ONE], ("truncated_file", len(ONE) + 4, len(ONE) + 6)),
        (delimited(ONE) + b"\0\0\0\0" * 9, [ONE], ("bad_protobuf", len(ONE) + 4, len(ONE) + 40)),
        (b"hello", [], ("unknown_signal", 0, 5)),
        (b"\0" * 100, [], ("unknown_signal", 0, 100)),
        (b"[1, 2]", [], ("bad_json", 0, 6)),
        (delimited(zstandard.compress(ONE)[:-4], TWO), [TWO], ("truncated_file", 4, len(zstandard.compress(ONE)))),
        (delimited(b"\x1f\x8b\x08rubbish", TWO), [TWO], ("bad_compression", 4, 14)),
    ],
    ids=["cut frame", "cut length", "zeros after", "text", "zeros", "array", "cut inner zstd", "bad inner gzip"],
)
def test_damage_is_the_stretch_of_the_file_that_cannot_be_read(
    file: bytes, kept: list[bytes], damage: tuple[str, int, int]
) -> None:
    found = framed(file)

    assert data_of(found) == kept
    assert [(d.reason, d.start_byte, d.end_byte) for d in found if isinstance(d, Damage)] == [damage]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_of_a_cut_compressed_file_the_messages_before_the_cut_are_kept(compress: type[bytes]) -> None:
    lines = [as_json(spans(i)) for i in range(1200)]
    whole = compress(b"\n".join(lines))
    found = framed(whole[: len(whole) // 2])

    kept = data_of(found)
    assert 10 < len(kept) < 1200
    assert kept == lines[: len(kept)]
    assert [(d.reason, d.start_byte, d.end_byte) for d in found if isinstance(d, Damage)] == [
        ("truncated_file", 0, len(whole) // 2)
    ]


def test_a_broken_line_does_not_touch_its_neighbours() -> None:
    found = framed(JSON_ONE + b'\n{"resourceSpans": [{\n' + JSON_TWO + b"\ngarbage\n")

    assert data_of(found) == [JSON_ONE, b'{"resourceSpans": [{', JSON_TWO, b"garbage"]


def test_lines_are_lines_also_when_the_first_is_broken() -> None:
    assert data_of(framed(b"garbage\n" + JSON_ONE + b"\n")) == [b"garbage", JSON_ONE]


def test_a_message_over_the_limit_is_damage_and_those_around_it_are_kept() -> None:
    large = spans(1, count=40)
    limits = Limits(message_bytes=len(ONE))

    found = framed(delimited(ONE, large, ONE), limits)

    start = len(ONE) + 8
    text = f"{len(large)} bytes, more than the {len(ONE)} that one message may have"
    assert found == [
        Message(ONE, 4),
        Damage("message_too_large", text, start, start + len(large), payload_id(large)),
        Message(ONE, start + len(large) + 4),
    ]


def test_a_line_over_the_limit_is_damage_and_those_around_it_are_kept() -> None:
    large = as_json(spans(1, count=40))

    found = framed(JSON_ONE + b"\n" + large + b"\n" + JSON_ONE, Limits(message_bytes=len(JSON_ONE)))

    assert data_of(found) == [JSON_ONE, JSON_ONE]
    assert [d.payload_id for d in found if isinstance(d, Damage)] == [payload_id(large)]


def test_in_a_compressed_file_a_message_over_the_limit_keeps_the_compressed_bytes() -> None:
    file = gzip.compress(delimited(ONE, spans(1, count=40), TWO))

    found = framed(file, Limits(message_bytes=len(TWO)))

    assert data_of(found) == [ONE, TWO]
    text = f"unfolds to more than the {len(TWO)} bytes that one message may have"
    assert found[-1] == Damage("decompressed_too_large", text, 0, len(file))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_not_unfolded(compress: type[bytes]) -> None:
    bomb = compress(b'{"resourceSpans": [' + b" " * 30_000_000)

    (found,) = framed(bomb, Limits(message_bytes=1 << 20))

    assert isinstance(found, Damage)
    assert (found.reason, found.start_byte, found.end_byte) == ("decompressed_too_large", 0, len(bomb))


def test_the_signal_is_told_by_the_fields_of_the_items() -> None:
    assert [protobuf_signal(request) for request in (ONE, logs(0), points(0))] == ["traces", "logs", "metrics"]
    assert protobuf_signal(spans(1, bad_ordinals=(0, 1))) == "traces"
    assert protobuf_signal(b"") is None
    assert protobuf_signal(ONE[:60]) == "traces"
    assert protobuf_signal(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") is None


def test_the_signal_of_json_is_its_top_level_key_wherever_it_stands() -> None:
    assert json_signal(b'{"resourceLogs": []}') == "logs"
    assert json_signal(b'{"schema": "resourceSpans", "resource_metrics": []}') == "metrics"
    assert json_signal(b'{"resourceSpans": [') == "traces"
    assert json_signal(b"{}") is None
    assert json_signal(b'{"a": ') is None
