"""`otelmart replay --from bigquery:` against a BigQuery emulator: rows come back once, and the ledger has them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.telemetry import rows, spans, write
from tests.stack.bigquery_emulator import NEEDS_EMULATOR, emulator

pytestmark = [pytest.mark.stack, NEEDS_EMULATOR]
SINK = "bigquery:otelmart.observability"


def test_letters_that_can_be_read_now_become_rows_once(otelmart: str, tmp_path: Path) -> None:
    """Spans of 2020 are out of range, a message is too large: both come back with wider limits, poison stays."""
    write(tmp_path / "in" / "0-old.pb", spans(1, 3, day="2020-01-01"))
    write(tmp_path / "in" / "1-large.pb", spans(100, 60))
    write(tmp_path / "in" / "2-good.pb", spans(200, 2))
    write(tmp_path / "in" / "3-poison.pb", b"\x0a\xff no OTLP")
    with emulator(tmp_path / "data") as bigquery:
        environment = {
            "PATH": os.environ["PATH"],
            "OTELMART_PRIVACY_KEY": "a key for tests",
            "BIGQUERY_EMULATOR_HOST": bigquery.url,
            "BIGQUERY_STORAGE_EMULATOR_HOST": bigquery.grpc,
        }

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([otelmart, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True)

        def replayed(*arguments: str) -> dict[str, Any]:
            done = run("replay", "--from", SINK, "--json", *arguments)
            assert done.returncode == 0, done.stderr
            found: dict[str, Any] = json.loads(done.stdout)
            return found

        assert run("init", "--to", SINK).returncode == 0
        source = f"files:{tmp_path}/in"
        loaded = run("backfill", "--from", source, "--to", SINK, "--runner", "plain", "--max-message", "2KB")
        assert loaded.returncode == 0, loaded.stderr

        assert replayed("--max-message", "2KB") == {"letters": 0, "rows": 0, "failed": FAILED}
        wider = ("--max-message", "1MB", "--max-past-days", "4000")
        only_large = replayed("--reason", "message_too_large", *wider)
        assert only_large == {"letters": 1, "rows": 60, "failed": {}}
        assert replayed(*wider) == {"letters": 3, "rows": 3, "failed": {"unknown_signal": 1}}
        assert replayed(*wider) == {"letters": 0, "rows": 0, "failed": {"unknown_signal": 1}}

        keys = "payload_id, row_ordinal, span_id, start_time_unix_nano"
        there = bigquery.client.query(
            f"select {keys} from observability.traces where start_time >= '1970-01-01'"
        ).result()
        whole = run("ingest", "--from", source, "--to", "lake:whole", "--runner", "plain")
        assert whole.returncode == 0, whole.stderr
        run("replay", "--lake", "whole", "--max-past-days", "4000")
        assert sorted(map(tuple, there)) == sorted(rows(tmp_path / "whole", f"select {keys} from traces"))
        entries = "select sum(replayed_row_count), sum(written_row_count) from observability.ingest_ledger"
        (sums,) = bigquery.client.query(f"{entries} where event_date >= '1970-01-01'").result()
        assert tuple(sums) == (63, 65)


FAILED = {"message_too_large": 1, "time_out_of_range": 3, "unknown_signal": 1}
