"""`otelmart init` against a BigQuery emulator, and `otelmart doctor` against it and Google's Pub/Sub emulator."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipelines import tables
from tests.stack import pubsub_emulator
from tests.stack.bigquery_emulator import NEEDS_EMULATOR, Emulator, emulator

pytestmark = [pytest.mark.stack, NEEDS_EMULATOR]
SINK = "bigquery:otelmart.observability"


def test_init_creates_adds_and_refuses_and_doctor_says_what_is_wrong(otelmart: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        hosts = {
            "BIGQUERY_EMULATOR_HOST": bigquery.url,
            "BIGQUERY_STORAGE_EMULATOR_HOST": bigquery.grpc,
            "PUBSUB_EMULATOR_HOST": pubsub.host,
        }
        env = {"PATH": os.environ["PATH"], **hosts}
        return subprocess.run([otelmart, *arguments], env=env, capture_output=True, text=True)

    with emulator(tmp_path / "data") as bigquery, pubsub_emulator.emulator() as pubsub:
        dry = run("init", "--to", SINK, "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert [line.split() for line in dry.stdout.splitlines()] == [[name, "create"] for name in tables.TABLES]
        assert tables_there(bigquery) == []

        sick = run("doctor", "--to", SINK)
        assert sick.returncode == 1
        assert sick.stdout.count("make it: otelmart init") == 6, sick.stdout

        made = run("init", "--to", SINK)
        assert made.returncode == 0, made.stderr
        assert tables_there(bigquery) == sorted(tables.TABLES)
        again = run("init", "--to", SINK, "--json")
        assert [each["change"] for each in json.loads(again.stdout)] == ["nothing to do"] * len(tables.TABLES)

        _, subscription = pubsub.topic("doctor")
        found = run("doctor", "--from", f"pubsub:{subscription}", "--to", SINK, "--json")
        states = {each["what"]: each["state"] for each in json.loads(found.stdout)}
        assert states.pop(f"subscription {subscription}") == "careful"  # acknowledgement deadline of 10 s
        assert states.pop("the ledger can be read") == "ok", found.stdout
        assert set(states.values()) == {"careful"}, found.stdout  # this emulator does not tell columns there
        assert found.returncode == 0

        bigquery.client.query("alter table observability.logs drop column severity_text").result()
        added = run("init", "--to", SINK)
        assert "add severity_text" in added.stdout, added.stdout + added.stderr
        bigquery.client.query("drop table observability.logs").result()
        bigquery.client.query("create table observability.logs (time string)").result()
        refused = run("init", "--to", SINK)
        assert refused.returncode == 1
        assert "logs: time is STRING, not TIMESTAMP" in refused.stderr
        assert "nothing was changed" in refused.stderr


def tables_there(bigquery: Emulator) -> list[str]:
    if not any(each.dataset_id == "observability" for each in bigquery.client.list_datasets()):
        return []
    return sorted(each.table_id for each in bigquery.client.list_tables("observability"))
