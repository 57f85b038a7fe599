"""What `otelmart init` would do to a table, from the table that is there; what the command says when it cannot ask."""

import copy
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pipelines import tables
from pipelines.dataset import changes
from tests.pipeline.telemetry import spans, write
from tests.sinks.storage_service import StorageService, served

Resource = dict[str, Any]


def there(change: Callable[[Resource], object] = lambda _: None) -> Resource:
    """The REST Table of traces as BigQuery answers it, changed."""
    resource = copy.deepcopy(tables.table("traces"))
    old_names = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}

    def renamed(fields: list[Resource]) -> None:
        for field in fields:
            field["type"] = old_names.get(field["type"], field["type"])
            renamed(field.get("fields", []))

    renamed(resource["schema"]["fields"])
    resource |= {
        "etag": "e",
        "numRows": "5",
        "timePartitioning": {**resource["timePartitioning"], "expirationMs": None},
    }
    change(resource)
    return resource


def column(resource: Resource, name: str) -> Resource:
    return next(field for field in resource["schema"]["fields"] if field["name"] == name)


def without(name: str) -> Callable[[Resource], object]:
    return lambda resource: resource["schema"]["fields"].remove(column(resource, name))


def test_no_table_is_created_as_schemas_say() -> None:
    found = changes("traces", None)
    assert (found.is_new, found.text, found.resource) == (True, "create", tables.table("traces"))


def test_a_table_that_fits_is_left_alone() -> None:
    assert changes("traces", there()).text == "nothing to do"
    assert changes("traces", there()).resource is None


def test_a_missing_column_is_added_at_the_end_and_strange_ones_stay() -> None:
    def change(resource: Resource) -> None:
        without("http_route")(resource)
        resource["schema"]["fields"].append({"name": "team", "type": "STRING"})

    found = changes("traces", there(change))
    assert (found.text, found.beyond, found.refused) == ("add http_route", ("team",), ())
    assert found.resource
    assert [field["name"] for field in found.resource["schema"]["fields"]][-2:] == ["team", "http_route"]
    assert changes("traces", found.resource).text == "nothing to do"


def test_a_missing_nested_column_is_added() -> None:
    found = changes("traces", there(lambda resource: column(resource, "events")["fields"].pop()))
    assert found.text.startswith("add events.")
    assert found.resource
    assert changes("traces", found.resource).text == "nothing to do"


def test_a_stricter_table_is_relaxed_and_a_description_renewed() -> None:
    found = changes("traces", there(lambda resource: column(resource, "name").update(description="old")))
    assert found.text == "update descriptions and options"
    relaxed = changes("traces", there(lambda resource: column(resource, "http_route").update(mode="REQUIRED")))
    assert relaxed.resource
    assert column(relaxed.resource, "http_route")["mode"] == "NULLABLE"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda r: column(r, "duration_ns").update(type="STRING"), "duration_ns is STRING, not INT64"),
        (lambda r: column(r, "name").update(mode="NULLABLE"), "name is NULLABLE, not REQUIRED"),
        (lambda r: column(r, "events").update(mode="NULLABLE"), "events is NULLABLE, not REPEATED"),
        (without("name"), "name is REQUIRED, which no column added to a table can be"),
        (lambda r: r.pop("timePartitioning"), "it is partitioned by nothing, not by DAY of start_time"),
        (
            lambda r: r["timePartitioning"].update(type="HOUR"),
            "it is partitioned by HOUR of start_time, not by DAY of start_time",
        ),
    ],
)
def test_what_only_destruction_could_reach_is_refused_by_name(change: Callable[[Resource], object], text: str) -> None:
    found = changes("traces", there(change))
    assert (found.refused, found.resource) == ((text,), None)
    assert found.text == f"cannot: {text}"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, "Forbidden: no: grant roles/bigquery.dataOwner on the dataset"),
        (401, "Anonymous credentials cannot be refreshed.: renew the credentials"),
        (400, "BadRequest: no: try again later"),
    ],
)
def test_what_bigquery_refuses_is_one_line_with_the_cure(otelmart: str, status: int, text: str) -> None:
    with refusing(status) as url:
        done = init(otelmart, url)
    assert done.returncode == 1
    assert text in done.stderr
    assert "shop.observability.traces" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_emulator_that_is_not_there_is_said(otelmart: str) -> None:
    done = init(otelmart, "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "is the network, or BIGQUERY_EMULATOR_HOST, right?" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_ledger_that_is_not_in_bigquery_is_said_with_the_cure(otelmart: str) -> None:
    with refusing(404) as url:
        done = run(otelmart, "ledger", "--from", "bigquery:shop.observability", BIGQUERY_EMULATOR_HOST=url)
    assert done.returncode == 1
    assert done.stderr.startswith("otelmart: shop.observability has no traces, logs, metrics, ")
    assert done.stderr.endswith(": otelmart init --to bigquery:shop.observability makes them\n")
    assert done.stderr.count("\n") == 1


def test_a_ledger_in_bigquery_wants_credentials(otelmart: str) -> None:
    done = run(otelmart, "ledger", "--from", "bigquery:a1b2c3.d", GOOGLE_APPLICATION_CREDENTIALS="/none.json")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no Google credentials: run gcloud auth application-default login" in done.stderr


def test_a_backfill_that_could_not_prove_itself_writes_nothing(otelmart: str, tmp_path: Path) -> None:
    """The Storage API, which takes rows, answers; whoever asks BigQuery itself has no credentials."""
    write(tmp_path / "in" / "a.pb", spans(1))
    service = StorageService()
    with served(service) as host:
        there = {"BIGQUERY_STORAGE_EMULATOR_HOST": host, "GOOGLE_APPLICATION_CREDENTIALS": "/none.json"}
        command = ["backfill", "--from", f"files:{tmp_path}/in", "--to", "bigquery:shop.observability"]
        done = run(otelmart, *command, "--runner", "plain", OTELMART_PRIVACY_KEY="a key for tests", **there)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no Google credentials: run gcloud auth application-default login" in done.stderr
    assert service.rows("traces").num_rows == 0


@contextmanager
def refusing(status: int) -> Iterator[str]:
    """A server that answers all with this status; its URL."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"error": {"code": %d, "message": "no", "errors": [{"reason": "x", "message": "no"}]}}' % status
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def init(otelmart: str, emulator: str) -> subprocess.CompletedProcess[str]:
    return run(otelmart, "init", "--to", "bigquery:shop.observability", "--dry-run", BIGQUERY_EMULATOR_HOST=emulator)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )
