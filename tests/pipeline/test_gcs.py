"""gs:// → lake: the same rows as from files, and a listing that goes on where it was cut off."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage as google_storage

from pipelines import cloud_storage, units
from pipelines.errors import RunError, UsageError
from pipelines.sources import gcs
from tests.pipeline.storage import Storage, emulator
from tests.pipeline.telemetry import rows, spans, tree, write


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with emulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of its own for each test: they talk to different servers."""
    cloud_storage.client.cache_clear()
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "otelmart")


def ingest(otelmart: str, source: str, lake: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [otelmart, "ingest", "--from", source, "--to", f"lake:{lake}", "--runner", "plain", "--json", *more]
    return subprocess.run(command, capture_output=True, text=True)


def test_objects_give_the_rows_that_files_with_their_names_give(
    otelmart: str, storage: Storage, corpus: Path, tmp_path: Path
) -> None:
    storage.put("archive", corpus)
    assert ingest(otelmart, f"files:{corpus}", tmp_path / "of-files").returncode == 0
    done = ingest(otelmart, "gs://archive/", tmp_path / "of-objects")
    assert done.returncode == 0, done.stderr

    def data(lake: Path) -> list[str]:
        """Digests of the parts: units have other names, since objects are known by their MD5."""
        return sorted(digest for name, digest in tree(lake).items() if name.startswith(("traces", "logs", "metrics")))

    assert data(tmp_path / "of-objects") == data(tmp_path / "of-files")
    assert "skipped by name: manifest.jsonl" in done.stderr
    letters = "select reason, count(*) from dead_letters group by 1 order by 1"
    assert rows(tmp_path / "of-objects", letters) == rows(tmp_path / "of-files", letters)
    before = tree(tmp_path / "of-objects")
    again = ingest(otelmart, "gs://archive/", tmp_path / "of-objects")
    assert json.loads(again.stdout)["units"] == 0
    assert tree(tmp_path / "of-objects") == before


def test_a_prefix_or_a_pattern_chooses_objects(storage: Storage, tmp_path: Path) -> None:
    for name in ("in/a/1.pb", "in/a/2.json", "in/b/3.pb", "other/4.pb"):
        write(tmp_path / "up" / name, spans(1))
    storage.put("choice", tmp_path / "up")

    def names(place: str) -> list[str]:
        return [file.name for file in gcs.listing(place, tmp_path / "notes").files]

    assert names("//choice") == ["in/a/1.pb", "in/a/2.json", "in/b/3.pb", "other/4.pb"]
    assert names("//choice/in/a/") == ["1.pb", "2.json"]
    assert names("//choice/in/*.pb") == ["a/1.pb", "b/3.pb"]
    assert names("//choice/oth") == ["other/4.pb"]


def test_an_object_is_received_when_it_was_created(storage: Storage, tmp_path: Path) -> None:
    storage.put("times", write(tmp_path / "up" / "1.pb", spans(1)).parent)
    (file,) = gcs.listing("//times", tmp_path / "notes").files

    created = storage.client.bucket("times").get_blob("1.pb").time_created
    assert file.receive_time_us == round(created.timestamp() * 1e6)


def test_an_object_that_is_gone_is_named_with_its_cure(storage: Storage, tmp_path: Path) -> None:
    storage.put("gone", write(tmp_path / "up" / "1.pb", spans(1)).parent)
    listing = gcs.listing("//gone", tmp_path / "notes")
    storage.client.bucket("gone").blob("1.pb").delete()

    with pytest.raises(RunError, match=r"^gs://gone/1\.pb: NotFound: it is not there, or was replaced"):
        listing.place.opened(listing.files[0])


def test_an_object_written_again_with_the_same_bytes_is_read_as_it_lies_now(storage: Storage, tmp_path: Path) -> None:
    path = write(tmp_path / "up" / "1.pb", spans(1))
    storage.put("again", path.parent)
    lake = tmp_path / "lake"
    (planned,) = units.plan_files(lake, gcs.listing("//again", tmp_path / "notes").files)
    storage.client.bucket("again").blob("1.pb").upload_from_filename(path)
    listing = gcs.listing("//again", tmp_path / "notes")
    (unit,) = units.plan_files(lake, listing.files)

    assert unit.unit_id == planned.unit_id
    assert unit.files[0].generation != planned.files[0].generation
    with listing.place.opened(unit.files[0]) as opened:
        assert opened.read() == spans(1)


def test_a_manifest_that_is_none_leaves_no_note_that_hides_objects(storage: Storage, tmp_path: Path) -> None:
    write(tmp_path / "up" / "b.pb", spans(1))
    write(tmp_path / "up" / "manifest.jsonl", b"no receipt")
    storage.put("manifests", tmp_path / "up")
    with pytest.raises(UsageError, match=r"gs://manifests/manifest\.jsonl line 1 is no receipt"):
        gcs.listing("//manifests", tmp_path / "notes")

    assert list((tmp_path / "notes").iterdir()) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("gs:", "--from gs: names nothing: write files:DIR (or FILE, or 'GLOB') or gs://BUCKET/PREFIX (or 'PATTERN')"),
        ("gs://UPPER/x", "gs://UPPER/x is no place in Cloud Storage: write gs://BUCKET/PREFIX"),
        (
            "gs://nothing-there/",
            "gs://nothing-there: NotFound: there is no bucket nothing-there: correct its name, "
            "or gcloud storage buckets create gs://nothing-there; Cloud Storage said: unknown error",
        ),
        ("gs://empty/", "there is nothing to ingest in gs://empty/"),
    ],
)
def test_a_place_that_cannot_be_read_is_named(
    otelmart: str, storage: Storage, tmp_path: Path, source: str, said: str
) -> None:
    if source == "gs://empty/":
        storage.client.create_bucket("empty")
    done = ingest(otelmart, source, tmp_path / "lake")

    assert done.returncode in (1, 2)
    assert done.stderr.startswith(f"otelmart: {said}")
    assert len(done.stderr.splitlines()) == 1


class _Names(BaseHTTPRequestHandler):
    """Lists names in pages as the JSON API does (the emulator has no pages); after `dies_after` of them it refuses."""

    count: ClassVar[int] = 0
    dies_after: ClassVar[int] = 0
    pages: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if self.dies_after and len(self.pages) >= self.dies_after:
            self.send_error(403)
            return
        start = int(asked.get("pageToken") or int(asked.get("startOffset", "0/0").rpartition("/")[2] or 0))
        self.pages.append(asked.get("startOffset", ""))
        end = min(start + int(asked["maxResults"]), self.count)
        items = [self._item(i) for i in range(start, end)]
        body = json.dumps({"items": items} | ({"nextPageToken": str(end)} if end < self.count else {})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _item(self, number: int) -> dict[str, Any]:
        when = "2026-11-18T11:06:40.000Z"
        return {"name": f"p/{number:07}", "size": "9", "md5Hash": "x", "timeCreated": when, "generation": "1"}

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, count: int, dies_after: int = 0) -> Iterator[type[_Names]]:
    handler = type("Names", (_Names,), {"count": count, "dies_after": dies_after, "pages": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    cloud_storage.client.cache_clear()
    try:
        yield handler
    finally:
        server.shutdown()
        server.server_close()


def test_a_listing_of_200_000_names_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with names(monkeypatch, 200_000, dies_after=120) as first, pytest.raises(RunError, match="Forbidden: grant"):
        gcs.listing("//many/p/", tmp_path / "notes")
    with names(monkeypatch, 200_000) as second:
        files = gcs.listing("//many/p/", tmp_path / "notes").files

    assert (len(first.pages), len(second.pages)) == (120, 80 + 1)  # the name that it goes on from comes again
    assert second.pages[0] == "p/0119999"
    assert [file.name for file in files] == [f"{i:07}" for i in range(200_000)]
    assert list((tmp_path / "notes").iterdir()) == []


def test_a_line_that_was_half_written_is_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch, 5000, dies_after=2), pytest.raises(RunError):
        gcs.listing("//many/p/", tmp_path / "notes")
    (note,) = (tmp_path / "notes").iterdir()
    note.write_bytes(note.read_bytes()[:-20])
    with names(monkeypatch, 5000):
        files = gcs.listing("//many/p/", tmp_path / "notes").files

    assert [file.name for file in files] == [f"{i:07}" for i in range(5000)]


def test_no_place_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no place in Cloud Storage"):
        gcs.listing("//a", tmp_path)


def test_the_stand_in_pages_as_the_client_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in itself, through the official client alone."""
    with names(monkeypatch, 25):
        client = google_storage.Client(project="otelmart", credentials=AnonymousCredentials())
        pages = [[blob.name for blob in page] for page in client.list_blobs("many", page_size=10).pages]
    assert [len(page) for page in pages] == [10, 10, 5]
