"""What a source holds: names, receive times, what is left out."""

import json
import os
from pathlib import Path

import pytest

from pipelines.errors import RunError, UsageError
from pipelines.payloads import Payload, Unreadable, payload_id
from pipelines.sources import files
from pipelines.sources.compression import Limits
from pipelines.sources.contents import payloads
from tests.pipeline.telemetry import delimited, logs, spans, write

REQUEST = spans(1)


def test_a_file_is_received_when_its_manifest_says_so(tmp_path: Path) -> None:
    write(tmp_path / "in" / "traces" / "0.bin", REQUEST)
    line = {"path": "traces/0.bin", "received_unix_ns": 1_795_000_000_123_456_789}
    write(tmp_path / "in" / "manifest.jsonl", json.dumps(line).encode())

    (file,) = files.listing(str(tmp_path / "in")).files

    assert (file.name, file.receive_time_us) == ("traces/0.bin", 1_795_000_000_123_456)


def test_without_a_manifest_a_file_is_received_when_it_was_modified(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "0.bin", REQUEST)
    os.utime(path, ns=(0, 1_795_000_000_123_456_789))

    (file,) = files.listing(str(tmp_path / "in")).files

    assert file.receive_time_us == 1_795_000_000_123_456


def test_the_nearest_manifest_wins(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a" / "0.bin", REQUEST)
    write(tmp_path / "in" / "manifest.jsonl", b'{"path": "a/0.bin", "received_unix_ns": 1000}')
    write(tmp_path / "in" / "a" / "manifest.jsonl", b'{"path": "0.bin", "received_unix_ns": 2000}')

    assert [file.receive_time_us for file in files.listing(str(tmp_path / "in")).files] == [2]


def test_a_manifest_line_without_a_receive_time_is_named(tmp_path: Path) -> None:
    write(tmp_path / "in" / "0.bin", REQUEST)
    write(tmp_path / "in" / "manifest.jsonl", b'{"path": "0.bin", "received_unix_ns": 1}\n{"path": "1.bin"}\n')

    with pytest.raises(UsageError, match=r"manifest.jsonl line 2 is no receipt of a file"):
        files.listing(str(tmp_path / "in"))


@pytest.mark.parametrize("received_unix_ns", [b"1e999", b"-1", b"9223372036854775808", b"[" * 100_000])
def test_a_receive_time_that_is_no_timestamp_is_named(tmp_path: Path, received_unix_ns: bytes) -> None:
    write(tmp_path / "in" / "0.bin", REQUEST)
    write(tmp_path / "in" / "manifest.jsonl", b'{"path": "0.bin", "received_unix_ns": %s}' % received_unix_ns)

    with pytest.raises(UsageError, match=r"manifest.jsonl line 1 is no receipt of a file"):
        files.listing(str(tmp_path / "in"))


def test_a_name_that_is_not_utf8_is_repaired_in_the_source_of_its_rows(tmp_path: Path) -> None:
    write(tmp_path / "in" / os.fsdecode(b"caf\xe9.bin"), REQUEST)

    listing = files.listing(str(tmp_path / "in"))
    (payload,) = payloads(listing.place, [listing.files[0]], Limits())

    assert payload.source == "caf\ufffd.bin"


def test_names_that_are_no_telemetry_are_left_out_and_named(tmp_path: Path) -> None:
    for name in ("0.bin", "truth.json", "outside_counts.json", ".hidden", "_SUCCESS", "0.bin.tmp", "0.bin~", "1.part"):
        write(tmp_path / "in" / name, REQUEST)

    listing = files.listing(str(tmp_path / "in"))

    assert [file.name for file in listing.files] == ["0.bin"]
    assert sorted(listing.skipped) == [
        ".hidden", "0.bin.tmp", "0.bin~", "1.part", "_SUCCESS", "outside_counts.json", "truth.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["a/0.bin", "a/1.json", "b/0.bin"]),
        ("/a", ["0.bin", "1.json"]),
        ("/a/0.bin", ["0.bin"]),
        ("/*/0.bin", ["a/0.bin", "b/0.bin"]),
        ("/**/*.json", ["a/1.json"]),
        ("/a/*", ["0.bin", "1.json"]),
    ],
)
def test_a_source_is_a_directory_a_file_or_a_glob(tmp_path: Path, pattern: str, names: list[str]) -> None:
    for name in ("a/0.bin", "a/1.json", "b/0.bin"):
        write(tmp_path / "in" / name, REQUEST)

    assert [file.name for file in files.listing(f"{tmp_path}/in{pattern}").files] == names


def test_a_file_that_someone_is_writing_to_is_left_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done, growing = write(tmp_path / "in" / "done.bin", REQUEST), write(tmp_path / "in" / "growing.bin", REQUEST)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: write(growing, REQUEST + REQUEST))

    listing = files.listing(str(tmp_path / "in"))

    assert [file.name for file in listing.files] == [done.name]
    assert listing.growing == [growing.name]


def test_what_was_planned_is_read_although_the_file_has_grown(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "frames.pb", delimited(REQUEST))
    listing = files.listing(str(tmp_path / "in"))
    write(path, delimited(REQUEST, spans(50)))

    (payload,) = payloads(listing.place, [listing.files[0]], Limits())

    assert isinstance(payload, Payload)
    assert payload.data == REQUEST


def test_a_file_shorter_than_planned_stops_the_run(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "0.bin", REQUEST)
    listing = files.listing(str(tmp_path / "in"))
    write(path, REQUEST[:10])

    with pytest.raises(RunError, match="shorter than when it was planned"):
        list(payloads(listing.place, [listing.files[0]], Limits()))


def test_an_empty_request_takes_its_signal_from_the_path(tmp_path: Path) -> None:
    write(tmp_path / "in" / "v1" / "logs" / "0.bin", b"")
    write(tmp_path / "in" / "v1" / "0.bin", b"")
    listing = files.listing(str(tmp_path / "in"))

    unknown, known = [next(payloads(listing.place, [file], Limits())) for file in listing.files]

    assert isinstance(known, Payload)
    assert (known.signal, known.data) == ("logs", b"")
    assert isinstance(unknown, Unreadable)
    assert (unknown.reason, unknown.payload_id, unknown.source) == ("unknown_signal", payload_id(b""), "v1/0.bin")


def test_a_message_says_where_in_its_file_it_was(tmp_path: Path) -> None:
    first = logs(0)
    write(tmp_path / "in" / "frames.pb", delimited(first, REQUEST))
    listing = files.listing(str(tmp_path / "in"))

    found = list(payloads(listing.place, [listing.files[0]], Limits()))

    assert [payload.source for payload in found] == ["frames.pb@4", f"frames.pb@{len(first) + 8}"]


def test_folders_behind_links_are_read_and_each_once(tmp_path: Path) -> None:
    """As a mounted volume has them; a link may lead back."""
    write(tmp_path / "elsewhere" / "a.pb", spans(1))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "in")
    found = files.listing(str(tmp_path / "in"))
    assert [file.name for file in found.files] == ["b/a.pb"]
