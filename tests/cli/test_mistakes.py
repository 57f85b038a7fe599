"""A person's mistake and a machine's refusal: one line with the cure, the right exit code, nothing lost."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import tables
from tests.beforehand import AT_MOST_20_KB_A_FILE, WITHOUT_THE_RIGHTS_OF_ROOT
from tests.pipeline.telemetry import rows, spans, tree, write

PLAIN = ("--runner", "plain")


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTELMART_PRIVACY_KEY", "a key for tests")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(otelmart: str) -> Callable[..., tuple[int, str]]:
    """Exit code and standard error of a command."""

    def run(*args: str | bytes, before: Sequence[str] = ()) -> tuple[int, str]:
        # a limit on file sizes would cut the bytecode that Python leaves in the checkout
        env = os.environ | ({"PYTHONDONTWRITEBYTECODE": "1"} if before else {})
        done = subprocess.run([*before, otelmart, *args], capture_output=True, text=True, env=env)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    return run


@pytest.fixture
def source(tmp_path: Path) -> str:
    write(tmp_path / "in" / "a.bin", spans(1))
    return f"files:{tmp_path}/in"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["ingset"], "unknown verb 'ingset': did you mean ingest?"),
        (["frobnicate"], "unknown verb 'frobnicate': choose one of demo, ingest,"),
        (["ingest"], "Missing option '--from'; see otelmart ingest --help"),
        (["ingest", "--form", "x"], "No such option '--form'."),
        (["ingest", "--from", "/tmp"], "--from /tmp has no scheme: write files:DIR"),
        (["ingest", "--from", "file:/tmp"], "--from file:/tmp: unknown scheme 'file'; write files:DIR"),
        (["ingest", "--from", "files:"], "--from files: names nothing: write files:DIR"),
        (["ingest", "--from", "files:nowhere"], "there is no nowhere: give --from files:DIR"),
        (
            ["ingest", "--from", "files:.", "--to", "bigquery:a.b"],
            "--to bigquery:a.b: unknown scheme 'bigquery'; write lake:DIR",
        ),
        (
            ["ingest", "--from", "files:.", "--max-message", "5 parsecs"],
            "'5 parsecs' is no size: write for example 64MiB",
        ),
        (["ledger"], "there is no lake in .otelmart/lake: run otelmart ingest"),
        (["ledger", "--from", "s3:x"], "--from s3:x: unknown scheme 's3'; write bigquery:PROJECT.DATASET or lake:DIR"),
        (["ledger", "--from", "bigquery:x"], "bigquery:x is no sink: write bigquery:PROJECT.DATASET"),
        (["replay", "--lake", "elsewhere"], "there is no lake in elsewhere: run otelmart ingest"),
        (["replay", "--reason", "bad_jsn"], "unknown reason 'bad_jsn': did you mean bad_json?"),
        (["ingest", "--from", "files:.", "--to", "lake:Bob's"], "/Bob's: no lake or warehouse can be where a path has"),
        (
            ["worker", "--from", "pubsub:projects/p/subscriptions/s", "--to", "lake:Bob's"],
            "/Bob's: no lake or warehouse can be where a path has",
        ),
        (["doctor", "--to", "lake:[a]"], "/[a]: no lake or warehouse can be where a path has ["),
        (["ledger", "--lake", "[a]*"], "/[a]*: no lake or warehouse can be where a path has *["),
        (["report", "--to", "/"], "--to / is a directory: name a file"),
        (["report", "--to", ""], "--to . is a directory: name a file"),
        (["cost", "--spans-per-second", "nan"], "nan is no amount: at most 1e+12"),
        (["cost", "--history-months", "inf"], "inf is no amount: at most 1e+12"),
        (["demo", "--start", "9999-12-31"], "--start 9999-12-31: choose a date of the years 1971 to 2200"),
        (["listen", "--http", "127.0.0.1:\u00b2"], "is no address: write HOST:PORT"),
        (["journey", b"\xff"], "is no user: it has characters that no text has"),
    ],
)
def test_a_misused_command_says_so_in_one_line(run: Callable[..., tuple[int, str]], args: list[str], text: str) -> None:
    code, told = run(*args)

    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith("otelmart: ")
    assert text in told


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet", "a.txt"])
def test_a_file_that_is_no_warehouse_is_not_read(
    run: Callable[..., tuple[int, str]], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    code, told = run("summary", "--warehouse", name)
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith(f"otelmart: {name} is no")


@pytest.mark.parametrize("name", [None, "truth.json"], ids=["nothing", "nothing but names that are skipped"])
def test_a_source_without_telemetry_fails(
    run: Callable[..., tuple[int, str]], tmp_path: Path, name: str | None
) -> None:
    (tmp_path / "in").mkdir()
    if name:
        write(tmp_path / "in" / name, b"{}")

    code, told = run("ingest", "--from", f"files:{tmp_path}/in", *PLAIN)

    assert code == 1
    assert told.endswith(
        f"otelmart: there is nothing to ingest in files:{tmp_path}/in: put OTLP files there, or give another --from\n"
    )
    assert not (tmp_path / ".otelmart").exists()


def test_a_file_that_may_not_be_read_stops_the_run_before_anything_is_written(
    run: Callable[..., tuple[int, str]], source: str, tmp_path: Path
) -> None:
    secret = write(tmp_path / "in" / "b.bin", spans(10))
    secret.chmod(0)

    code, told = run(
        "ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", *PLAIN, before=WITHOUT_THE_RIGHTS_OF_ROOT
    )

    cure = "make it readable, or choose files with a glob"
    assert (code, told) == (1, f"otelmart: cannot read {secret}: Permission denied; {cure}\n")
    assert not (tmp_path / "lake").exists()


def test_a_place_that_may_not_be_written_is_named(
    run: Callable[..., tuple[int, str]], source: str, tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)

    code, told = run(
        "ingest", "--from", source, "--to", f"lake:{tmp_path}/closed/lake", *PLAIN, before=WITHOUT_THE_RIGHTS_OF_ROOT
    )

    cure = "change its owner or mode, or choose another place"
    assert (code, told) == (1, f"otelmart: no permission for {tmp_path}/closed/lake: {cure}\n")


def test_a_lake_that_is_a_file_is_named(run: Callable[..., tuple[int, str]], source: str, tmp_path: Path) -> None:
    write(tmp_path / "lake", b"")

    code, told = run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", *PLAIN)

    assert (code, told.count("\n")) == (1, 1)
    assert f"Not a directory: {tmp_path}/lake/_plans" in told


@pytest.mark.parametrize("engine", [PLAIN, ("--runner", "FnApiRunner")], ids=["no Beam", "Beam"])
def test_a_full_disk_loses_nothing(
    run: Callable[..., tuple[int, str]], tmp_path: Path, engine: tuple[str, str]
) -> None:
    # many distinct ids: their Parquet column exceeds 20 kB
    write(tmp_path / "in" / "a.bin", spans(1, count=4000))
    ingest = ("ingest", "--from", f"files:{tmp_path}/in", "--to", f"lake:{tmp_path}/lake", *engine)

    code, told = run(*ingest, before=AT_MOST_20_KB_A_FILE)

    assert (code, told.count("\n")) == (1, 1)
    assert "disk full" in told
    assert "free some space and run the same command again; what was committed stays" in told
    assert [name for name in tree(tmp_path / "lake") if name.endswith((".tmp", ".parquet"))] == []
    assert run(*ingest)[0] == 0
    assert rows(tmp_path / "lake", "select count(*) from traces") == [(4000,)]


def test_a_refusal_in_a_worker_process_is_one_line_too(
    run: Callable[..., tuple[int, str]], source: str, tmp_path: Path
) -> None:
    write(tmp_path / "lake" / "traces", b"a file where a folder should be")

    code, told = run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", "--workers", "2")

    assert (code, told.count("\n")) == (1, 1)
    assert f"{tmp_path}/lake/traces" in told


def test_an_unknown_runner_is_one_line(run: Callable[..., tuple[int, str]], source: str, tmp_path: Path) -> None:
    code, told = run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", "--runner", "WarpRunner")

    assert (code, told.count("\n")) == (2, 1)
    choices = "'FnApiRunner', 'PrismRunner', 'DaskRunner', 'DataflowRunner', 'plain'"
    assert f"Invalid value for '--runner': 'WarpRunner' is not one of {choices}" in told


def test_dataflow_is_given_no_files_of_this_machine(
    run: Callable[..., tuple[int, str]], source: str, tmp_path: Path
) -> None:
    code, told = run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", "--runner", "DataflowRunner")

    assert (code, told.count("\n")) == (2, 1)
    assert "which is on this machine: see otelmart backfill" in told


def test_a_backfill_looks_at_its_key_before_it_asks_anybody(run: Callable[..., tuple[int, str]], source: str) -> None:
    code, told = run("backfill", "--from", source, "--to", "bigquery:project.dataset", "--privacy-key", "my secret")

    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith("otelmart: what is given names no secret: write secret:projects/")
    assert "my secret" not in told


def test_a_worker_takes_a_key_of_any_bytes(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTELMART_PRIVACY_KEY", os.fsdecode(b"\xff a key"))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")  # asked after the key
    code, told = run("worker", "--from", "pubsub:projects/p/subscriptions/s", "--to", "lake:lake")

    assert (code, told.count("\n")) == (1, 1)
    assert told.startswith("otelmart: projects/p/subscriptions/s: ")


def test_a_build_in_bigquery_asks_for_its_project_before_anything_is_sent(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTELMART_BIGQUERY_PROJECT", raising=False)
    code, told = run("build", "--target", "bigquery")

    assert (code, told) == (1, "otelmart: of which project? export OTELMART_BIGQUERY_PROJECT=PROJECT\n")


def old_part(lake: Path, columns: dict[str, pa.DataType]) -> Path:
    """A part written by another version, with these columns of nothing."""
    path = lake / "traces" / "event_date=2026-01-01" / "0123456789abcdef0123.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.schema(columns).empty_table(), path)
    return path


def test_a_lake_with_a_column_of_another_type_is_refused(
    run: Callable[..., tuple[int, str]], source: str, tmp_path: Path
) -> None:
    part = old_part(tmp_path / "lake", {"trace_id": pa.string(), "http_status_code": pa.string()})

    code, told = run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", *PLAIN)

    assert (code, told) == (
        1,
        f"otelmart: traces.http_status_code is string in {part}, but int64 in schemas/traces.json: "
        "ingest into a new lake, --to lake:DIR\n",
    )


def test_a_lake_with_fewer_columns_is_fine(run: Callable[..., tuple[int, str]], source: str, tmp_path: Path) -> None:
    first = tables.arrow_schema("traces").field(0)
    old_part(tmp_path / "lake", {first.name: first.type})

    assert run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", *PLAIN)[0] == 0


def test_a_second_writer_is_refused(run: Callable[..., tuple[int, str]], source: str, tmp_path: Path) -> None:
    with write(tmp_path / "lake" / "_plans" / "lock", b"").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, told = run("ingest", "--from", source, "--to", f"lake:{tmp_path}/lake", *PLAIN)

    assert (code, told) == (
        1,
        f"otelmart: another otelmart is writing to {tmp_path}/lake: wait until it has finished\n",
    )


def test_the_key_is_made_once_for_its_owner_only(
    run: Callable[..., tuple[int, str]], source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTELMART_PRIVACY_KEY")
    run("ingest", "--from", source, *PLAIN)
    key = (tmp_path / ".otelmart" / "privacy.key").read_text()
    run("ingest", "--from", source, *PLAIN)

    assert len(key) == 64
    assert (tmp_path / ".otelmart" / "privacy.key").read_text() == key
    assert (tmp_path / ".otelmart" / "privacy.key").stat().st_mode & 0o777 == 0o600


def test_a_verb_that_makes_arrow_arrays_goes_without_pandas(source: str) -> None:
    code = f"import sys; from pipelines.cli import main; main({['ingest', '--from', source, *PLAIN]})"
    code += "; print('pyarrow' in sys.modules, 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert find_spec("pandas") is not None
    assert done.stdout.splitlines()[-1] == "True False"


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = "import sys; from pipelines.cli import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    verbs = [
        line.split()[0]
        for line in done.stdout.partition("Verbs:\n")[2].splitlines()
        if line.startswith("  ") and line[2:3].isalpha()
    ]
    assert verbs[:8] == ["demo", "ingest", "listen", "worker", "init", "doctor", "replay", "backfill"]
    assert verbs[8:20] == [
        "compact",
        "ledger",
        "build",
        "summary",
        "query",
        "trace",
        "slo",
        "errors",
        "journey",
        "report",
        "cost",
        "render",
    ]
    assert not {"'pyarrow'", "'apache_beam'", "'numpy'", "'duckdb'"} & set(done.stderr.strip("[]\n").split(", "))


@pytest.mark.parametrize(
    "verb",
    ["ingest", "init", "doctor", "replay", "backfill", "compact", "query", "trace", "slo", "errors", "journey"],
)
def test_the_help_of_a_verb_ends_with_an_example(otelmart: str, verb: str) -> None:
    done = subprocess.run([otelmart, verb, "--help"], capture_output=True, text=True, check=True)

    assert (
        done.stdout.splitlines()[-1].startswith(f"  Example: otelmart {verb} ")
        or f"Example: otelmart {verb} " in done.stdout
    )
