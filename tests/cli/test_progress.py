"""What a person sees while and after a load."""

from pipelines.cli.progress import progress_line, summary_text
from pipelines.sources.contents import File
from pipelines.units import Unit


def unit(name: str, byte_count: int) -> Unit:
    return Unit(name, files=(File(name, byte_count, "", 0), File(f"{name}2", byte_count, "", 0)))


def test_progress_tells_files_rates_and_the_time_left() -> None:
    units = [unit("a", 1_000_000), unit("b", 3_000_000)]

    # 2 of 8 MB in 4 s = 0.5 MB/s, so the other 6 MB take 12 s
    assert progress_line(units[:1], units, 6000, 4.0) == "2 of 4 files, 0.5 MB/s, 1,500 rows/s, 12 s left"


def test_progress_promises_nothing_before_the_first_unit_is_done() -> None:
    assert progress_line([], [unit("a", 1_000_000)], 0, 3.2) == "0 of 2 files, 2.0 MB to load, 3 s"


def test_the_summary_names_rows_rates_and_dead_letters() -> None:
    summary = {
        "units": 1,
        "files": 3,
        "bytes": 2_000_000,
        "rows": {"logs": 1000, "traces": 3000},
        "dead_letters": {"bad_json": 2},
        "seconds": 2.0,
    }

    assert summary_text(summary) == (
        "1,000 log records, 3,000 spans from 3 files (2.0 MB) in 2.0 s, 1.0 MB/s, 2,000 rows/s\n"
        "dead letters: 2 bad_json; put right what you can and run otelmart replay"
    )


def test_a_run_without_work_says_so() -> None:
    assert summary_text({"units": 0}) == "nothing new"
