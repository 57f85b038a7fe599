"""Cloud Storage: its client, a bucket's objects below a prefix, and what it refuses as one line with the cure."""

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from pipelines import durable
from pipelines.errors import RunError, UsageError, without_credentials

EMULATOR_VARIABLE: Final = "STORAGE_EMULATOR_HOST"
AT_ONCE: Final = 8  # requests under way
CHECK_SECONDS: Final = 4.0
PLACE: Final = re.compile(r"(?://)?(?P<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(?P<names>.*))?", re.DOTALL)
READER, WRITER = "roles/storage.objectViewer", "roles/storage.objectUser"
_PERMISSIONS = [f"storage.objects.{verb}" for verb in ("create", "delete", "get", "list")]
_RENEW = "renew the credentials: gcloud auth application-default login"
# a request that names no object: what it does not find is the bucket
_OF_BUCKET = re.compile(r"bucket does not exist|\S+/b/[^/\s]+/(o|iam/testPermissions)\?")
_FIELDS = "items(name,size,updated,metadata),nextPageToken"


@dataclass(frozen=True, slots=True)
class Object:
    """What a listing says of an object; `name` goes on from the bucket's prefix, `attempt` is ours: who wrote it."""

    name: str
    byte_count: int
    time: datetime
    attempt: str


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of a bucket whose names start with `prefix`, which ends in `/` or is empty. Raises RunError.

    The client asks again for two minutes where no answer comes; if `is_awaited`, someone waits for what is read, and it
    asks once, for some seconds.
    """

    bucket: str
    prefix: str
    is_awaited: bool = False

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.prefix}".rstrip("/")

    def create(self, name: str, file: Path, attempt: str) -> bool:
        """Puts a file there if there is no object of that name; whether the object is now this attempt's."""
        from google.api_core.exceptions import PreconditionFailed

        blob = self._blob(name)
        blob.metadata = {"attempt": attempt}
        with told(self._path(name), WRITER):
            try:
                blob.upload_from_filename(file, if_generation_match=0)
            except PreconditionFailed:  # or a first answer was lost, and it is our own
                blob.reload()
                return bool((blob.metadata or {}).get("attempt") == attempt)
        return True

    def listed(self, below: str, count: int | None = None) -> Iterator[Object]:
        """Objects whose names start with `below`, in name order, the first `count` of them."""
        with told(str(self), READER):
            start = self.prefix + below
            found = client().list_blobs(self.bucket, prefix=start, fields=_FIELDS, max_results=count, **self._patience)
            for blob in found:
                name, attempt = blob.name.removeprefix(self.prefix), (blob.metadata or {}).get("attempt", "")
                yield Object(name, int(blob.size), blob.updated, attempt)

    def content(self, name: str) -> bytes:
        with told(self._path(name), READER):
            data: bytes = self._blob(name).download_as_bytes()
            return data

    def fetch(self, found: Iterable[Object], folder: Path) -> None:
        """Downloads objects as files of their names below a folder, whole or not at all, with their times."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda each: self._fetch(each, folder / each.name), found))

    def remove(self, names: Iterable[str]) -> None:
        """Deletes objects; those that are gone already are fine."""
        with told(str(self), WRITER):
            client().bucket(self.bucket).delete_blobs([self._blob(name) for name in names], on_error=lambda _: None)

    def lacking_permissions(self) -> list[str]:
        """Permissions that a writer needs and this account lacks."""
        with told(str(self), WRITER):
            granted = client().bucket(self.bucket).test_iam_permissions(_PERMISSIONS, **self._patience)
        return sorted(set(_PERMISSIONS) - set(granted))

    @property
    def _patience(self) -> dict[str, Any]:
        return {"retry": None, "timeout": CHECK_SECONDS} if self.is_awaited else {}

    def _fetch(self, found: Object, path: Path) -> None:
        half_way = durable.temporary(path)
        with told(self._path(found.name), READER):
            self._blob(found.name).download_to_filename(half_way, **self._patience)
        os.utime(half_way, (found.time.timestamp(), found.time.timestamp()))
        half_way.rename(path)

    def _blob(self, name: str) -> Any:
        return client().bucket(self.bucket).blob(self.prefix + name)

    def _path(self, name: str) -> str:
        return f"gs://{self.bucket}/{self.prefix}{name}"


def objects(place: str) -> Objects:
    """What `gs://BUCKET/PREFIX` names. Raises UsageError."""
    found = PLACE.fullmatch(place.removeprefix("gs:"))
    names = (found["names"] or "").strip("/") if found else ""
    if not found or not place.startswith("gs://") or re.search(r"[*?\[\]#\r\n]", names):
        raise UsageError(f"{place} is no place for a lake: write gs://BUCKET/PREFIX")
    return Objects(found["bucket"], f"{names}/" if names else "")


@cache
def client() -> Any:
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import storage

    try:
        return storage.Client()
    except (DefaultCredentialsError, OSError):  # OSError: credentials, but no project
        raise without_credentials(EMULATOR_VARIABLE) from None


@contextmanager
def told(what: str, role: str) -> Iterator[None]:
    """Errors of Cloud Storage as one line with the cure; `role` is what the account needs."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    try:
        yield
    except GoogleAuthError as error:
        raise RunError(f"{what}: {error}: {_RENEW}") from None
    except DataCorruption:
        raise RunError(f"{what}: its bytes came damaged: run the same command again") from None
    except exceptions.GoogleAPICallError as error:
        said = f"Cloud Storage said: {_words(error.message)}"
        raise RunError(f"{what}: {type(error).__name__}: {_cure(error, what, role)}; {said}") from None
    except (NoConnection, Timeout, exceptions.RetryError):
        raise RunError(f"{what}: no answer: is the network, or the emulator's host, right?") from None


def _cure(error: Any, what: str, role: str) -> str:
    from google.api_core import exceptions

    if isinstance(error, exceptions.NotFound) and _OF_BUCKET.search(error.message):
        bucket = what.split("/")[2]
        return f"there is no bucket {bucket}: correct its name, or gcloud storage buckets create gs://{bucket}"
    cures: dict[type[Exception], str] = {
        exceptions.NotFound: "it is not there, or was replaced since it was listed: run the same command again",
        exceptions.Forbidden: f"grant {role} on the bucket to this account",
        exceptions.Unauthorized: _RENEW,
        exceptions.TooManyRequests: "a quota of the project is used up: run the same command again later",
    }
    return next((text for kind, text in cures.items() if isinstance(error, kind)), "see the message")


def _words(message: str) -> str:
    """Google's own words, without the request before them and the codes that its library had expected."""
    text = " ".join(message.split())
    found = re.search(r'"message": "(.*?)"', text)
    return found[1] if found else re.sub(r"^[A-Z]+ \S+: |: \('Request failed .*", "", text)
