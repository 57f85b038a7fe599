"""`otelmart backfill`, from a Cloud Storage emulator into a BigQuery emulator: all, once, and a proof that can fail."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipeline.storage import emulator as storage_emulator
from tests.pipeline.telemetry import logs, receipts, rows, spans, write
from tests.stack.bigquery_emulator import NEEDS_EMULATOR, Emulator, emulator

pytestmark = [pytest.mark.stack, NEEDS_EMULATOR]
SINK = "bigquery:otelmart.observability"
SOURCE = "gs://archive/"
COUNT = 60
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("bigquery") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Objects of three days, a bad row in every tenth, two that are no OTLP."""
    folder = tmp_path_factory.mktemp("archive")
    for i in range(COUNT):
        bad = (1,) if i % 10 == 0 else ()
        write(folder / f"traces-{i:03}.pb", spans(1 + 100 * i, 5, f"2026-11-{15 + i % 3}", bad_ordinals=bad))
    write(folder / "logs.pb", logs(1, 7))
    write(folder / "zz-1.txt", b"no OTLP")
    write(folder / "zz-2.txt", b"nor this")
    receipts(folder)
    return folder


@pytest.fixture(scope="module")
def environment(bigquery: Emulator, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with storage_emulator() as storage:
        storage.put("archive", folder)
        yield {
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            "OTELMART_PRIVACY_KEY": "a key for tests",
            "GOOGLE_CLOUD_PROJECT": "otelmart",
            "STORAGE_EMULATOR_HOST": storage.host,
            "BIGQUERY_EMULATOR_HOST": bigquery.url,
            "BIGQUERY_STORAGE_EMULATOR_HOST": bigquery.grpc,
        }


def test_a_backfill_killed_midway_is_finished_by_the_same_command_and_proved(
    otelmart: str, bigquery: Emulator, environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([otelmart, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True)

    def count(question: str) -> int:
        return int(next(iter(bigquery.client.query(question).result()))[0])

    assert run("init", "--to", SINK).returncode == 0
    command = ["backfill", "--from", SOURCE, "--to", SINK, "--runner", "plain", "--json"]
    first = subprocess.Popen(
        [Path(otelmart).parent / "python", Path(__file__).parent / "small_backfill.py", *command],
        env=environment,
        cwd=tmp_path,
    )
    entries = "select count(*) from observability.ingest_ledger where event_date >= '1970-01-01'"
    deadline = time.monotonic() + 120
    while not count(entries):
        assert first.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, "nothing is committed"
    first.kill()
    first.wait()
    killed_with = count(entries.replace("*", "distinct unit_id"))

    done = run(*command)
    assert done.returncode == 0, done.stderr
    proofs = {each["table"]: each for each in json.loads(done.stdout)}
    good = COUNT * 5 - COUNT // 10
    assert proofs["traces"] == {"table": "traces", "payloads": COUNT, "rows": good, "lacking": 0}
    assert proofs["logs"] == {"table": "logs", "payloads": 1, "rows": 7, "lacking": 0}
    assert proofs["metrics"] == {"table": "metrics", "payloads": 0, "rows": 0, "lacking": 0}

    lake = tmp_path / "lake"
    assert run("ingest", "--from", f"files:{folder}", "--to", f"lake:{lake}", "--runner", "plain").returncode == 0
    keys = "payload_id, row_ordinal, span_id, name, duration_ns"
    there = f"select distinct {keys} from observability.traces where start_time >= '1970-01-01'"
    assert sorted(map(tuple, bigquery.client.query(there).result())) == sorted(rows(lake, f"select {keys} from traces"))
    letters = "select distinct dead_letter_id from {} where {}"
    of_bigquery = letters.format("observability.dead_letters", "ingest_time >= '1970-01-01'")
    of_lake = letters.format("dead_letters", "true")
    assert sorted(map(tuple, bigquery.client.query(of_bigquery).result())) == sorted(rows(lake, of_lake))

    before = count(entries)
    again = run(*command)
    assert again.returncode == 0, again.stderr
    raw = count("select count(*) from observability.traces where start_time >= '1970-01-01'")
    print(f"killed with {killed_with} units committed; {good} rows proved, {raw - good} raw duplicates; again: 0 added")
    payloads = "select count(distinct payload_id) from observability.ingest_ledger where table_name = 'traces'"
    assert count(f"{payloads} and event_date >= '1970-01-01'") == COUNT
    assert count(entries) - before <= 2  # the two that are no OTLP have no payload to be known by

    bigquery.client.query("delete from observability.traces where date(start_time) = '2026-11-16'").result()
    lacking = run(*command[:-1])
    assert lacking.returncode == 1
    assert "20 payloads lack rows" in lacking.stdout
    assert "20 payloads of the ledger lack rows in BigQuery: were rows or partitions deleted?" in lacking.stderr


DAY = "date({}) = '2026-11-16'"


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        (
            [
                f"delete from {{}}.traces where {DAY.format('start_time')}",
                "delete from {}.ingest_ledger where event_date = '2026-11-16'",
            ],
            "the ledger of otelmart.{} does not have what was decoded of 1 units (",
        ),
        (
            [f"delete from {{}}.traces where {DAY.format('start_time')}"],
            "traces of 2026-11-16 in otelmart.{} are not what was decoded from the source: 98 rows were decoded, "
            "0 are there: were rows deleted or changed meanwhile",
        ),
        (
            [f"update {{}}.traces set name = 'GET /card' where {DAY.format('start_time')}"],
            "traces of 2026-11-16 in otelmart.{} are not what was decoded from the source: their checksums differ",
        ),
    ],
    ids=["rows and entries", "rows", "values"],
)
def test_what_is_not_there_as_it_was_decoded_fails(
    otelmart: str,
    environment: dict[str, str],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tampering: list[str],
    said: str,
) -> None:
    """The dataset is changed between the last commit and the comparison: the ledger alone would not tell."""
    dataset = "without_" + request.node.callspec.id.replace(" ", "_")
    sink = f"bigquery:otelmart.{dataset}"
    assert subprocess.run([otelmart, "init", "--to", sink], env=environment).returncode == 0
    program = [Path(otelmart).parent / "python", Path(__file__).parent / "tampered_backfill.py"]
    command = ["backfill", "--from", SOURCE, "--to", sink, "--runner", "plain"]
    own = {"TAMPER": json.dumps([each.format(dataset) for each in tampering])}
    done = subprocess.run([*program, *command], env=environment | own, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1, done.stdout
    assert said.format(dataset) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("runner", ["plain", "FnApiRunner"])
def test_a_healthy_backfill_says_what_was_read_and_that_it_is_there(
    otelmart: str, bigquery: Emulator, environment: dict[str, str], tmp_path: Path, runner: str
) -> None:
    dataset = f"healthy_{runner}"
    sink = f"bigquery:otelmart.{dataset}"
    assert subprocess.run([otelmart, "init", "--to", sink], env=environment).returncode == 0
    command = [otelmart, "backfill", "--from", SOURCE, "--to", sink, "--runner", runner]

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)

    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-3:] == [
        "63 messages read: 63 new, 0 known",
        "traces: 294 rows are there as they were decoded",
        "logs: 7 rows are there as they were decoded",
    ]
    again = run()
    assert again.returncode == 0, again.stderr
    assert again.stderr.splitlines()[-1] == "63 messages read: 2 new, 61 known"  # no OTLP, so not known by a payload

    copied = "insert into {0}.ingest_ledger select * replace ('{1}' as payload_id) from {0}.ingest_ledger where {2}"
    entry = "event_date >= '1970-01-01' and table_name = 'logs'"
    bigquery.client.query(copied.format(dataset, "0" * 32, entry)).result()
    without_rows = run()
    assert without_rows.returncode == 1
    assert "1 payloads of the ledger lack rows in BigQuery" in without_rows.stderr


def test_the_batch_templates_graph_loads_a_bucket_and_fails_where_rows_lack(
    otelmart: str, bigquery: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    """All of the job but Dataflow: the graph that the template starts, on the local runner."""
    (tmp_path / "privacy.key").write_text("a key for tests")
    sink = "bigquery:otelmart.templated"
    assert subprocess.run([otelmart, "init", "--to", sink], env=environment).returncode == 0
    program = [Path(otelmart).parent / "python", Path(__file__).parent / "batch_template.py", SOURCE, sink]

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(program, env=environment, cwd=tmp_path, capture_output=True, text=True)

    def count(question: str) -> int:
        return int(next(iter(bigquery.client.query(question).result()))[0])

    good = COUNT * 5 - COUNT // 10
    raw = "select count(*) from templated.traces where start_time >= '1970-01-01'"
    for _ in range(2):
        done = run()
        assert done.returncode == 0, done.stderr
        counters = json.loads(done.stdout)
        assert {name: value for name, value in counters.items() if name.startswith(("traces_", "logs_"))} == {
            "traces_payload_count": COUNT,
            "traces_row_count": good,
            "traces_lacking_count": 0,
            "logs_payload_count": 1,
            "logs_row_count": 7,
            "logs_lacking_count": 0,
        }
        assert count(raw) == good

    bigquery.client.query("delete from templated.traces where date(start_time) = '2026-11-16'").result()
    lacking = run()
    assert lacking.returncode != 0
    assert "20 payloads of the ledger lack rows in BigQuery" in lacking.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--dates", "2026-13-01"], 2, "'2026-13-01' is no date: write 2026-11-01"),
        (["--dates", "2026-11-02..2026-11-01"], 2, "2026-11-02..2026-11-01 ends before it starts"),
        (["--dates", "2020-01-01"], 1, "gs://archive/ received nothing on these dates: it holds 63 files; see --dates"),
        (["--runner", "DaskRunner"], 2, "DaskRunner does not tell what its workers were refused"),
        (["--runner", "DataflowRunner"], 2, "DataflowRunner sees nothing of this machine: give --from gs://"),
    ],
)
def test_a_mistake_is_one_line(
    otelmart: str, environment: dict[str, str], tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    init = [otelmart, "init", "--to", SINK]
    assert subprocess.run(init, env=environment, capture_output=True).returncode == 0
    command = [otelmart, "backfill", "--from", SOURCE, "--to", SINK, *arguments]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
