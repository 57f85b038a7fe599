"""`otelmart backfill --from lake:` into a BigQuery emulator: load jobs, each once, whatever was killed before."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.telemetry import logs, points, rows, spans, write
from tests.stack.bigquery_emulator import NEEDS_EMULATOR, Emulator, emulator

pytestmark = [pytest.mark.stack, NEEDS_EMULATOR]
SINK = "bigquery:otelmart.observability"
SMALL_UNITS = Path(__file__).parents[1] / "pipeline" / "small_units.py"
COUNT = 12
TIMES = {"traces": "start_time", "logs": "time", "metrics": "time", "dead_letters": "ingest_time"}


@pytest.fixture
def bigquery(tmp_path: Path) -> Iterator[Emulator]:
    with emulator(tmp_path / "data") as running:
        yield running


@pytest.fixture
def environment(bigquery: Emulator) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "OTELMART_PRIVACY_KEY": "a key for tests",
        "BIGQUERY_EMULATOR_HOST": bigquery.url,
        "BIGQUERY_STORAGE_EMULATOR_HOST": bigquery.grpc,
    }


def test_a_lake_is_loaded_once_by_jobs_whose_ids_come_of_what_they_load(
    otelmart: str, bigquery: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True)

    for i in range(COUNT):
        write(tmp_path / "in" / f"traces-{i:02}.pb", spans(1 + 100 * i, 20, f"2026-11-{15 + i % 2}", bad_ordinals=(3,)))
    write(tmp_path / "in" / "logs.pb", logs(1, 7))
    write(tmp_path / "in" / "metrics.pb", points(1, 5))
    python = str(Path(otelmart).parent / "python")
    made = run(python, str(SMALL_UNITS), "ingest", "--from", "files:in", "--to", "lake:lake", "--runner", "plain")
    assert made.returncode == 0, made.stderr
    unit_count = len(list((tmp_path / "lake" / "ingest_ledger").iterdir()))
    assert unit_count > 5
    assert run(otelmart, "init", "--to", SINK).returncode == 0

    command = [otelmart, "backfill", "--from", "lake:lake", "--to", SINK, "--json"]
    first = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert first.stderr
    while "loaded" not in first.stderr.readline():
        assert first.poll() is None
    time.sleep(0.3)  # within a unit, most likely
    first.kill()
    first.communicate()

    done = run(*command)
    assert done.returncode == 0, done.stderr
    proofs = {each["table"]: each for each in json.loads(done.stdout)}
    assert proofs["traces"] == {"table": "traces", "payloads": COUNT, "rows": COUNT * 19, "lacking": 0}
    assert (proofs["logs"]["rows"], proofs["metrics"]["rows"]) == (7, 5)
    for table, column in TIMES.items():
        key = "dead_letter_id, chunk_ordinal" if table == "dead_letters" else "payload_id, row_ordinal"
        there = f"select {key} from observability.{table} where {column} >= '1970-01-01'"
        found = sorted(map(tuple, bigquery.client.query(there).result()))
        assert found == sorted(rows(tmp_path / "lake", f"select {key} from {table}")), table

    of_lake, of_bigquery = (
        json.loads(run(otelmart, "ledger", "--from", place, "--json").stdout) for place in ("lake:lake", SINK)
    )
    assert of_bigquery == of_lake

    again = run(*command)
    assert again.returncode == 0, again.stderr
    assert f"0 units loaded, {unit_count} were there" in again.stderr

    # from here on with few parts, of which each unit's rows are taken out again, byte for byte
    compacted = run(python, str(SMALL_UNITS), "compact", "--lake", "lake", "--json")
    assert json.loads(compacted.stdout)["parts_after"] == 2, compacted.stderr
    again = run(*command)
    assert f"0 units loaded, {unit_count} were there" in again.stderr
    assert again.returncode == 0, again.stderr

    # a value that changed, the counts as before
    update = "update observability.traces set name = '{}' where span_id = '{:016x}' and start_time >= '1970-01-01'"
    bigquery.client.query(update.format("GET /card", 1)).result()
    changed = run(*command)
    assert changed.returncode == 1
    assert {each["table"]: each["lacking"] for each in json.loads(changed.stdout)}["traces"] == 0
    assert "traces of 2026-11-15 have other values in otelmart.observability than in lake" in changed.stderr
    bigquery.client.query(update.format("GET /cart", 1)).result()

    # as if it had been killed before the last ledger entries: BigQuery knows the jobs, and loads nothing twice
    before = bigquery.rows("observability.traces where start_time >= '1970-01-01'", ["payload_id", "row_ordinal"])
    bigquery.client.query("delete from observability.ingest_ledger where event_date >= '1970-01-01'").result()
    known = run(*command)
    assert known.returncode == 1  # the ledger's jobs are known as well, so its entries stay deleted
    assert f"{COUNT + 2} payloads of lake are not in the ledger of otelmart.observability" in known.stderr
    after = bigquery.rows("observability.traces where start_time >= '1970-01-01'", ["payload_id", "row_ordinal"])
    assert sorted(before) == sorted(after)


def test_what_failed_twice_is_loaded_once_its_cause_is_mended(
    otelmart: str, bigquery: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    """Jobs that failed keep their ids: each further run goes by the next number, and one that is done is left."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([otelmart, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True)

    def span_type(kind: str) -> None:
        """`otelmart init` makes the table; here its `name` is then of another type."""
        bigquery.client.query("drop table if exists observability.traces").result()
        assert run("init", "--to", SINK).returncode == 0
        if kind != "string":
            bigquery.client.query("alter table observability.traces drop column name").result()
            bigquery.client.query(f"alter table observability.traces add column name {kind}").result()

    write(tmp_path / "in" / "traces.pb", spans(1, 20))
    made = run("ingest", "--from", "files:in", "--to", "lake:lake", "--runner", "plain")
    assert made.returncode == 0, made.stderr
    span_type("int64")
    command = ["backfill", "--from", "lake:lake", "--to", SINK]
    for _ in range(2):
        failed = run(*command)
        assert failed.returncode == 1, failed.stdout
        assert "BigQuery refuses otelmart.observability.traces: BadRequest: " in failed.stderr

    span_type("string")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert run(*command).returncode == 0
    there = bigquery.rows("observability.traces where start_time >= '1970-01-01'", ["row_ordinal"])
    assert sorted(there) == [(i,) for i in range(20)]
    jobs = {job.job_id: bool(job.error_result) for job in bigquery.client.list_jobs() if "-traces-" in job.job_id}
    (first,) = [name for name in jobs if re.fullmatch(r"otelmart-traces-[0-9a-f]{32}", name)]
    assert jobs == {first: True, f"{first}-2": True, f"{first}-3": False}
