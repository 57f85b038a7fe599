"""Outside counts against ledger against parts: what is unexplained, and what to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipelines import compaction
from pipelines.cli import main
from tests.pipeline.telemetry import logs, spans, write


def otelmart(*args: str) -> Result:
    return CliRunner().invoke(main, args, catch_exceptions=False)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Four distinct spans over two days, one request twice; counted outside as they are."""
    write(tmp_path / "in" / "a.bin", spans(1))
    write(tmp_path / "in" / "b.bin", spans(1))
    write(tmp_path / "in" / "c.bin", spans(10, day="2026-11-17"))
    write(tmp_path / "in" / "d.bin", spans(20, count=2, bad_ordinals=(0, 1)))
    counts(tmp_path, {"2026-11-16": 2, "2026-11-17": 2})
    ingest(tmp_path)
    return tmp_path / "lake"


def counts(folder: Path, by_date: dict[str, int]) -> None:
    rows = [
        {"counted_by": "exporter", "table_name": "traces", "event_date": day, "row_count": count}
        for day, count in by_date.items()
    ]
    write(folder / "in" / "outside_counts.json", json.dumps(rows).encode())


def ingest(folder: Path) -> None:
    done = otelmart("ingest", "--from", f"files:{folder}/in", "--to", f"lake:{folder}/lake", "--runner", "plain")
    assert done.exit_code == 0, done.output


def found(lake: Path) -> tuple[int, list[tuple[object, ...]]]:
    done = otelmart("ledger", "--lake", str(lake), "--json")
    keys = ("event_date", "outside", "accounted", "duplicates", "lost", "uncommitted", "unexplained")
    lines = json.loads(done.stdout)["lines"]
    return done.exit_code, [tuple(line[key] for key in keys) for line in lines if line["table"] == "traces"]


def test_everything_is_explained(lake: Path) -> None:
    # 2026-11-16: 4 rows written, of which 2 are a second delivery
    assert found(lake) == (0, [("2026-11-16", 2, 2, 2, 0, 0, 0), ("2026-11-17", 2, 2, 0, 0, 0, 0)])


def test_the_table_is_for_people(lake: Path) -> None:
    done = otelmart("ledger", "--lake", str(lake))

    assert done.stdout.splitlines() == [
        "table   date        outside  accounted  duplicates  replayed  lost  uncommitted  unexplained",
        "traces  2026-11-16        2          2           2         0     0            0            0",
        "traces  2026-11-17        2          2           0         0     0            0            0",
        "dead-lettered rows: 2 traces; messages nobody could parse: 0",
    ]


def test_a_deleted_part_is_unexplained(lake: Path) -> None:
    next((lake / "traces" / "event_date=2026-11-17").glob("*.parquet")).unlink()

    assert found(lake) == (1, [("2026-11-16", 2, 2, 2, 0, 0, 0), ("2026-11-17", 2, 2, 0, 2, 0, 2)])
    done = otelmart("ledger", "--lake", str(lake))
    assert done.stderr == (
        "otelmart: 2 rows are unexplained: parts of the lake are gone or short; "
        "restore them, or ingest the source again into a new lake\n"
    )
    assert otelmart("ledger", "--lake", str(lake), "--no-verify").exit_code == 0


def test_deleted_dead_letters_are_unexplained(lake: Path) -> None:
    next((lake / "dead_letters").glob("*/*.parquet")).unlink()

    assert otelmart("ledger", "--lake", str(lake)).exit_code == 1


def test_a_part_that_no_ledger_entry_names_is_unexplained(lake: Path) -> None:
    part = next((lake / "traces" / "event_date=2026-11-17").glob("*.parquet"))
    write(part.with_name("00000000000000000000.parquet"), part.read_bytes())

    assert found(lake)[1][1] == ("2026-11-17", 2, 2, 0, 0, 2, 2)


def test_what_is_committed_while_the_ledger_is_compared_is_for_the_next_look(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, parts = found(lake), compaction.parts

    def parts_later(lake: Path, table: str) -> Iterator[compaction.Part]:
        """As if an ingest ended between the look at the ledger and the one at the parts."""
        write(tmp_path / "in" / "e.bin", spans(30))
        ingest(tmp_path)
        return parts(lake, table)

    monkeypatch.setattr(compaction, "parts", parts_later)
    assert before[0] == 0
    assert found(lake) == before
    assert found(lake)[1][0] == ("2026-11-16", 2, 4, 2, 0, 0, -2)


def test_rows_that_never_arrived_are_unexplained(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.bin", spans(1))
    counts(tmp_path, {"2026-11-16": 5, "2026-11-18": 7})
    ingest(tmp_path)

    assert found(tmp_path / "lake") == (
        1,
        [("2026-11-16", 5, 2, 0, 0, 0, 3), ("2026-11-18", 7, 0, 0, 0, 0, 7)],
    )


def test_a_surplus_does_not_make_up_for_a_lack(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.bin", spans(1))
    write(tmp_path / "in" / "b.bin", spans(10, day="2026-11-17"))
    counts(tmp_path, {"2026-11-16": 1, "2026-11-17": 3})
    ingest(tmp_path)
    done = otelmart("ledger", "--lake", str(tmp_path / "lake"), "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["unexplained"] == 2


def test_where_nobody_counted_outside_nothing_is_unexplained(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.bin", logs(1))
    ingest(tmp_path)

    assert otelmart("ledger", "--lake", str(tmp_path / "lake")).exit_code == 0


def test_a_request_that_several_runs_delivered_counts_once(lake: Path, tmp_path: Path) -> None:
    write(tmp_path / "in" / "later" / "again.bin", spans(1))
    ingest(tmp_path)

    assert found(lake)[1][0] == ("2026-11-16", 2, 2, 4, 0, 0, 0)


def test_replayed_rows_are_accounted_for(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.bin", spans(1, day="2019-02-28"))
    counts(tmp_path, {"2019-02-28": 2})
    ingest(tmp_path)
    assert found(tmp_path / "lake") == (1, [("2019-02-28", 2, 0, 0, 0, 0, 2)])
    otelmart("replay", "--lake", str(tmp_path / "lake"), "--max-past-days", "3000")

    assert found(tmp_path / "lake") == (0, [("2019-02-28", 2, 2, 0, 0, 0, 0)])


def test_outside_counts_that_are_none_are_named(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.bin", spans(1))
    write(tmp_path / "in" / "outside_counts.json", b'{"traces": 2}')
    done = otelmart("ingest", "--from", f"files:{tmp_path}/in", "--to", f"lake:{tmp_path}/lake", "--runner", "plain")

    assert done.exit_code == 2
    assert "outside_counts.json holds no counts: want [{" in done.stderr.splitlines()[-1]
