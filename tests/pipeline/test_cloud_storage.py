"""What Cloud Storage refuses, as one line: the cure that helps, and Google's own words."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines import cloud_storage
from pipelines.cloud_storage import Objects
from pipelines.errors import RunError

NO_BUCKET, DENIED = "The specified bucket does not exist.", "a@b does not have storage.objects.list access."
CREATE = "there is no bucket b-x: correct its name, or gcloud storage buckets create gs://b-x"
LAKE = Objects("b-x", "lake/")


def create(folder: Path) -> None:
    (folder / "file").touch()
    LAKE.create("x", folder / "file", "")


@contextmanager
def refusing(code: int, body: bytes) -> Iterator[str]:
    """Cloud Storage that answers every request so."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def as_json(code: int, text: str) -> bytes:
    """An error as the JSON API has it: cloud.google.com/storage/docs/json_api/v1/status-codes."""
    return json.dumps({"error": {"code": code, "message": text, "errors": [{"message": text}]}}, indent=2).encode()


@pytest.mark.parametrize(
    ("call", "code", "body", "text"),
    [
        (
            lambda _: list(LAKE.listed("")),
            *(404, as_json(404, NO_BUCKET), f"gs://b-x/lake: NotFound: {CREATE}; Cloud Storage said: {NO_BUCKET}"),
        ),
        (
            lambda _: LAKE.lacking_permissions(),
            *(404, as_json(404, NO_BUCKET), f"gs://b-x/lake: NotFound: {CREATE}; Cloud Storage said: {NO_BUCKET}"),
        ),
        (
            create,
            *(404, as_json(404, NO_BUCKET), f"gs://b-x/lake/x: NotFound: {CREATE}; Cloud Storage said: {NO_BUCKET}"),
        ),
        (
            lambda _: LAKE.content("x"),
            *(404, NO_BUCKET.encode(), f"gs://b-x/lake/x: NotFound: {CREATE}; Cloud Storage said: {NO_BUCKET}"),
        ),
        (
            lambda _: LAKE.content("x"),
            404,
            b"No such object: b-x/lake/x",
            "gs://b-x/lake/x: NotFound: it is not there, or was replaced since it was listed: run the same command "
            "again; Cloud Storage said: No such object: b-x/lake/x",
        ),
        (
            lambda _: list(LAKE.listed("")),
            403,
            as_json(403, DENIED),
            "gs://b-x/lake: Forbidden: grant roles/storage.objectViewer on the bucket to this account; "
            f"Cloud Storage said: {DENIED}",
        ),
    ],
    ids=["listed", "permissions", "created", "read", "no object", "denied"],
)
def test_a_refusal_is_one_line_with_its_cure_and_googles_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: Callable[[Path], object], code: int, body: bytes, text: str
) -> None:
    with refusing(code, body) as host:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "otelmart")
        cloud_storage.client.cache_clear()
        with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
            call(tmp_path)
    cloud_storage.client.cache_clear()
