"""files: → lake: what is where, and the same bytes however often and by whatever engine."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.telemetry import receipts, rows, spans, tree, write

SMALL_UNITS = Path(__file__).parent / "small_units.py"


def ingest(otelmart: str, source: Path, lake: Path, *more: str) -> dict[str, object]:
    """Summary of a run that cuts units small, so that the corpus is several."""
    done = subprocess.run(
        [
            Path(otelmart).parent / "python",
            SMALL_UNITS,
            "ingest",
            "--from",
            f"files:{source}",
            "--to",
            f"lake:{lake}",
            "--json",
            *more,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


@pytest.fixture(scope="module")
def lake(corpus: Path, otelmart: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, loaded by Beam."""
    lake = tmp_path_factory.mktemp("loaded") / "lake"
    ingest(otelmart, corpus, lake)
    return lake


def test_every_good_row_is_in_the_partition_of_its_event_date(lake: Path) -> None:
    query = "select event_date, count(*), count(distinct (trace_id, span_id)) from traces group by 1 order by 1"

    # 2 spans each in plain, again (the same), days.bin.gz (2 + 2 the next day), body, lines 2x2, lines.zst 2x2, frames,
    # torn; 2 of 3 in bad-row
    assert [(str(day), n, distinct) for day, n, distinct in rows(lake, query)] == [
        ("2026-11-16", 22, 20),
        ("2026-11-17", 2, 2),
    ]
    assert rows(lake, "select count(*) from logs") == [(6,)]
    assert rows(lake, "select count(*) from metrics") == [(4,)]


def test_rows_know_their_request_their_place_in_it_and_when_it_came(lake: Path, corpus: Path) -> None:
    query = """
        select payload_id, row_ordinal, epoch_ns(ingest_time) from traces
        where span_id in ('00000000000002bc', '00000000000002be') order by row_ordinal
    """
    lines = map(json.loads, (corpus / "manifest.jsonl").read_text().splitlines())
    received_ns = next(line["received_unix_ns"] for line in lines if line["path"] == "c/bad-row.bin")
    (first, second) = rows(lake, query)

    assert first[0] == second[0]
    assert [row[1] for row in (first, second)] == [0, 2]
    assert [row[2] for row in (first, second)] == [received_ns, received_ns]


def test_what_is_no_row_is_a_dead_letter_with_its_bytes_and_reason(lake: Path, corpus: Path) -> None:
    letters = rows(
        lake, "select source, reason, signal, row_ordinal, encoding, payload from dead_letters order by source"
    )

    assert [letter[:5] for letter in letters] == [
        ("c/bad-row.bin", "start_time_unknown", "traces", 1, "protobuf"),
        ("c/broken.json", "bad_json", "traces", None, "json"),
        ("c/not-otlp.txt@0-24", "unknown_signal", "unknown", None, "raw"),
        (letters[3][0], "truncated_file", "unknown", None, "raw"),
    ]
    assert letters[1][5] == b'{"resourceSpans": [{"scopeSpans": ['
    assert letters[2][5] == b"hello, I am a text file\n"
    assert (corpus / "c" / "torn.pb").read_bytes().endswith(letters[3][5])


def test_the_ledger_has_an_entry_for_every_payload_table_and_date(lake: Path) -> None:
    query = """
        select table_name, event_date, count(*), sum(delivery_count), sum(written_row_count),
            sum(dead_lettered_row_count), sum(unparsed_message_count)
        from ingest_ledger group by all order by all
    """

    assert [(name, str(day), *map(int, counts)) for name, day, *counts in rows(lake, query)] == [
        ("dead_letters", "2026-11-18", 4, 4, 0, 1, 3),
        ("logs", "2026-11-16", 3, 3, 6, 0, 0),
        ("metrics", "2026-11-16", 2, 2, 4, 0, 0),
        ("traces", "2026-11-16", 10, 11, 22, 0, 0),
        ("traces", "2026-11-17", 1, 1, 2, 0, 0),
    ]


def test_a_second_run_adds_nothing(otelmart: str, corpus: Path, lake: Path) -> None:
    before = tree(lake)
    summary = ingest(otelmart, corpus, lake, "--runner", "plain")

    assert (summary["units"], summary["rows"]) == (0, {})
    assert tree(lake) == before


@pytest.mark.parametrize("engine", [["--runner", "plain"], ["--workers", "2"]], ids=["no Beam", "two processes"])
def test_the_engine_leaves_no_trace_in_the_bytes(
    otelmart: str, corpus: Path, lake: Path, tmp_path: Path, engine: list[str]
) -> None:
    ingest(otelmart, corpus, tmp_path / "lake", *engine)

    assert tree(tmp_path / "lake") == tree(lake)


def test_a_copy_of_the_source_is_nothing_new(otelmart: str, corpus: Path, lake: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(corpus, tmp_path / "copy", copy_function=shutil.copy)
    ingest(otelmart, copy, tmp_path / "lake", "--runner", "plain")

    assert tree(tmp_path / "lake") == tree(lake)
    assert ingest(otelmart, copy, lake, "--runner", "plain")["units"] == 0


def test_files_that_come_later_get_units_of_their_own(otelmart: str, tmp_path: Path) -> None:
    write(tmp_path / "in" / "b.bin", spans(1))
    receipts(tmp_path / "in")
    ingest(otelmart, tmp_path / "in", tmp_path / "lake", "--runner", "plain")
    before = tree(tmp_path / "lake")
    write(tmp_path / "in" / "a.bin", spans(10))
    summary = ingest(otelmart, tmp_path / "in", tmp_path / "lake", "--runner", "plain")

    assert summary["files"] == 1
    assert before.items() <= tree(tmp_path / "lake").items()
    assert rows(tmp_path / "lake", "select count(*) from traces") == [(4,)]


def test_a_file_with_new_content_is_read_again(otelmart: str, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.bin", spans(1))
    ingest(otelmart, tmp_path / "in", tmp_path / "lake", "--runner", "plain")
    write(tmp_path / "in" / "a.bin", spans(5, count=3))

    assert ingest(otelmart, tmp_path / "in", tmp_path / "lake", "--runner", "plain")["rows"] == {"traces": 3}
