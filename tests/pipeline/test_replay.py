"""Dead letters that can be read now become rows, once."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.payloads import payload_id
from tests.pipeline.telemetry import RECEIVED_NS, as_json, delimited, rows, spans, tree, write


def run(*args: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, [*args, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def ingest(source: Path, lake: Path, *more: str) -> None:
    run("ingest", "--from", f"files:{source}", "--to", f"lake:{lake}", "--runner", "plain", *more)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def test_rows_out_of_range_come_back_with_wider_bounds(tmp_path: Path, lake: Path) -> None:
    old = spans(1, count=3, day="2019-02-28")
    write(tmp_path / "in" / "old.bin", old)
    ingest(tmp_path / "in", lake)
    assert rows(lake, "select reason, row_ordinal from dead_letters order by 2") == [
        ("time_out_of_range", 0),
        ("time_out_of_range", 1),
        ("time_out_of_range", 2),
    ]

    summary = run("replay", "--lake", str(lake), "--max-past-days", "3000")

    assert (summary["letters"], summary["failed"], summary["rows"]) == (3, {}, {"traces": 3})
    query = "select span_id, payload_id, row_ordinal, epoch_ns(ingest_time), event_date::text from traces order by 3"
    assert rows(lake, query) == [(f"{1 + i:016x}", payload_id(old), i, RECEIVED_NS, "2019-02-28") for i in range(3)]
    query = (
        "select engine, table_name, written_row_count, replayed_row_count, dead_lettered_row_count from ingest_ledger"
    )
    assert sorted(rows(lake, query)) == [("batch", "dead_letters", 0, 0, 3), ("replay", "traces", 3, 3, 0)]


def test_a_second_replay_adds_nothing(tmp_path: Path, lake: Path) -> None:
    write(tmp_path / "in" / "old.bin", spans(1, day="2019-02-28"))
    ingest(tmp_path / "in", lake)
    run("replay", "--lake", str(lake), "--max-past-days", "3000")
    before = tree(lake)

    summary = run("replay", "--lake", str(lake), "--max-past-days", "3000")

    assert (summary["units"], summary["letters"], summary["failed"]) == (0, 0, {})
    assert tree(lake) == before


def test_what_fails_again_stays_and_is_counted_and_nothing_is_written(tmp_path: Path, lake: Path) -> None:
    write(tmp_path / "in" / "bad.bin", spans(1, count=3, bad_ordinals=(0, 2)))
    write(tmp_path / "in" / "broken.json", b'{"resourceSpans": [{')
    write(tmp_path / "in" / "text", b"hello")
    ingest(tmp_path / "in", lake)
    before = tree(lake)

    summary = run("replay", "--lake", str(lake))

    assert summary["failed"] == {"bad_json": 1, "start_time_unknown": 2, "unknown_signal": 1}
    assert tree(lake) == before


def test_only_letters_of_the_reason_and_signal_asked_for_are_tried(tmp_path: Path, lake: Path) -> None:
    write(tmp_path / "in" / "bad.bin", spans(1, count=3, bad_ordinals=(0, 2)))
    write(tmp_path / "in" / "text", b"hello")
    ingest(tmp_path / "in", lake)

    assert run("replay", "--lake", str(lake), "--reason", "bad_json")["failed"] == {}
    assert run("replay", "--lake", str(lake), "--signal", "unknown")["failed"] == {"unknown_signal": 1}
    assert run("replay", "--lake", str(lake), "--signal", "traces")["failed"] == {"start_time_unknown": 2}


def test_a_message_too_large_comes_back_with_a_larger_limit(tmp_path: Path, lake: Path) -> None:
    small, large = spans(1), spans(10, count=100)
    write(tmp_path / "in" / "frames.pb", delimited(small, large))
    ingest(tmp_path / "in", lake, "--max-message", "1KiB")
    assert rows(lake, "select count(*) from traces") == [(2,)]

    assert run("replay", "--lake", str(lake))["rows"] == {"traces": 100}
    assert rows(lake, "select payload_id, count(*) from traces group by 1 order by 2") == [
        (payload_id(small), 2),
        (payload_id(large), 100),
    ]


def test_of_a_compressed_file_only_what_was_not_read_before_comes_back(tmp_path: Path, lake: Path) -> None:
    small, large, last = spans(1), spans(10, count=100), spans(200)
    write(tmp_path / "in" / "frames.gz", gzip.compress(delimited(small, large, last)))
    ingest(tmp_path / "in", lake, "--max-message", "1KiB")
    assert rows(lake, "select reason from dead_letters") == [("decompressed_too_large",)]

    assert run("replay", "--lake", str(lake))["rows"] == {"traces": 100}
    assert rows(lake, "select count(*), count(distinct span_id) from traces") == [(104, 104)]
    assert run("replay", "--lake", str(lake))["units"] == 0


def test_a_letter_of_many_pieces_comes_back_whole(tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.dead_letters.PIECE_BYTES", 1000)
    large = as_json(spans(1, count=50))
    write(tmp_path / "in" / "large.json", large)
    ingest(tmp_path / "in", lake, "--max-message", "1KiB")
    assert rows(lake, "select count(*), max(chunk_count) from dead_letters") == [(-(-len(large) // 1000),) * 2]

    assert run("replay", "--lake", str(lake))["rows"] == {"traces": 50}
    assert rows(lake, "select distinct payload_id from traces") == [(payload_id(large),)]


def test_a_letter_delivered_twice_comes_back_once(tmp_path: Path, lake: Path) -> None:
    for name in ("a.bin", "b.bin"):
        write(tmp_path / "in" / name, spans(1, day="2019-02-28"))
    ingest(tmp_path / "in", lake)
    assert rows(lake, "select count(*), count(distinct dead_letter_id) from dead_letters") == [(4, 2)]

    assert run("replay", "--lake", str(lake), "--max-past-days", "3000")["rows"] == {"traces": 2}


def test_bad_rows_of_a_message_put_back_are_letters_of_their_second_attempt(tmp_path: Path, lake: Path) -> None:
    write(tmp_path / "in" / "large.bin", spans(1, count=100, bad_ordinals=(7,)))
    ingest(tmp_path / "in", lake, "--max-message", "1KiB")

    assert run("replay", "--lake", str(lake))["rows"] == {"traces": 99}
    assert rows(lake, "select reason, attempt, row_ordinal from dead_letters order by 2") == [
        ("message_too_large", 1, None),
        ("start_time_unknown", 2, 7),
    ]
