"""`gs://BUCKET/PREFIX` or a pattern of names: objects in Cloud Storage as a source.

A listing writes down what it has seen, page by page, and goes on from there when it was cut off. An object is read at
the generation that was listed. It was received when it was created, if no manifest says otherwise.
"""

import fcntl
import hashlib
import json
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from pipelines.cloud_storage import PLACE, READER, client, told
from pipelines.errors import RunError, UsageError
from pipelines.sources.contents import MANIFEST, File, Listing, Receipts, is_skipped

PAGE_NAMES = 1000
NOTE_SECONDS = 86_400  # an older listing that was cut off is begun anew
AHEAD = 16  # objects fetched while one is read
MEMORY_BYTES = 8 << 20  # a larger object waits in a temporary file
_FIELDS = "items(name,size,md5Hash,crc32c,timeCreated,generation),nextPageToken"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Objects of a bucket whose names start with `prefix`, which ends in `/` or is empty; names go on from there."""

    bucket: str
    prefix: str

    def path(self, name: str) -> str:
        return f"gs://{self.bucket}/{self.prefix}{name}"

    def content(self, name: str) -> bytes:
        with told(self.path(name), READER):
            data: bytes = client().bucket(self.bucket).blob(self.prefix + name).download_as_bytes(raw_download=True)
            return data

    def opened(self, file: File) -> BinaryIO:
        blob = client().bucket(self.bucket).blob(self.prefix + file.name, generation=file.generation)
        with ExitStack() as until_fetched:
            fetched: Any = until_fetched.enter_context(SpooledTemporaryFile(max_size=MEMORY_BYTES))
            with told(self.path(file.name), READER):
                blob.download_to_file(fetched, raw_download=True)
            until_fetched.pop_all()
        fetched.seek(0)
        return cast(BinaryIO, fetched)

    def opened_in_turn(self, files: Sequence[File]) -> Iterator[tuple[File, BinaryIO]]:
        waiting: deque[tuple[File, Future[BinaryIO]]] = deque()
        with ThreadPoolExecutor(max_workers=8) as pool:
            for file in files:
                waiting.append((file, pool.submit(self.opened, file)))
                if len(waiting) == AHEAD:
                    first, opened = waiting.popleft()
                    yield first, opened.result()
            for left, opened in waiting:
                yield left, opened.result()


def listing(place: str, notes: Path) -> Listing:
    """What lies below `gs:` PLACE now; `notes` is a directory for listings that are cut off.

    Raises UsageError if that is no place, RunError if Cloud Storage refuses.
    """
    bucket, names, fixed = _parts(place)
    note = notes / f"{hashlib.sha256(place.encode()).hexdigest()[:20]}.jsonl"
    objects = _listed(bucket, fixed, note)
    note.unlink(missing_ok=True)  # it is whole: there is nothing to go on from
    if fixed != names:
        objects = [each for each in objects if fnmatchcase(bucket.prefix + each.name, names)]
    files = [each for each in objects if not is_skipped(each.name) and not each.name.endswith("/") and each.name]
    skipped = [each.name for each in objects if is_skipped(each.name)]
    there = set(skipped)
    received = Receipts(bucket, lambda name: bucket.content(name) if name in there else None)
    if any(name.rpartition("/")[2] == MANIFEST for name in skipped):
        files = [_received(file, received.time_us(file.name)) for file in files]
    return Listing(place=bucket, files=files, skipped=skipped, growing=[])


def bucket(place: str) -> Bucket:
    """The place of `gs:` PLACE, whatever lies there. Raises UsageError if that is no place."""
    return _parts(place)[0]


def _parts(place: str) -> tuple[Bucket, str, str]:
    """(place, names or a pattern of them, what all of them begin with)."""
    found = PLACE.fullmatch(place)
    if not found:
        raise UsageError(
            f"gs:{place} is no place in Cloud Storage: write gs://BUCKET/PREFIX or 'gs://BUCKET/*.json.gz'"
        )
    names = found["names"] or ""
    fixed = re.split(r"[*?\[]", names, maxsplit=1)[0]
    return Bucket(found["bucket"], fixed[: fixed.rfind("/") + 1]), names, fixed


def _received(file: File, time_us: int | None) -> File:
    return file if time_us is None else File(**asdict(file) | {"receive_time_us": time_us})


def _listed(bucket: Bucket, start: str, note: Path) -> list[File]:
    """Objects whose names begin with `start`, in name order: those noted, then those after the last of them."""
    note.parent.mkdir(parents=True, exist_ok=True)
    with note.open("a") as noting, told(f"gs://{bucket.bucket}", READER):
        try:
            fcntl.flock(noting, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"another otelmart lists gs://{bucket.bucket}: wait until it has finished") from None
        objects = _noted(note)
        last = bucket.prefix + objects[-1].name if objects else None
        found = client().list_blobs(
            bucket.bucket, prefix=start, start_offset=last, fields=_FIELDS, page_size=PAGE_NAMES
        )
        for page in found.pages:
            new = [_file(blob, bucket.prefix) for blob in page if last is None or blob.name > last]
            noting.writelines(json.dumps(asdict(file)) + "\n" for file in new)
            noting.flush()
            objects += new
    return objects


def _noted(note: Path) -> list[File]:
    """What a listing that was cut off has seen. Its last line may be half of one."""
    is_old = time.time() - note.stat().st_mtime > NOTE_SECONDS
    whole = "" if is_old else note.read_text().rpartition("\n")[0]
    note.write_text(whole + "\n" if whole else "")
    return [File(**json.loads(line)) for line in whole.splitlines()]


def _file(blob: Any, prefix: str) -> File:
    digest = blob.md5_hash or f"crc32c {blob.crc32c}"  # composed objects have no MD5
    created_us = round(blob.time_created.timestamp() * 1_000_000)
    return File(blob.name.removeprefix(prefix), int(blob.size), digest, created_us, int(blob.generation or 0))
