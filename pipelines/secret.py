"""A secret's URI → its bytes, so that what is written down says where a secret is and never what it is."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from google.auth.exceptions import DefaultCredentialsError

from pipelines.errors import RunError, UsageError, refused

EXAMPLE: Final = "secret:projects/PROJECT/secrets/NAME/versions/1"
# a number: under "latest", a new version would give the same person another pseudonym, unseen
VERSION: Final = r"projects/[^/\s]+/secrets/[^/\s]+/versions/[1-9][0-9]*"


def secret(uri: str) -> bytes:
    """What a URI names, without the white space around it. Raises UsageError, or RunError when it cannot be had."""
    scheme, _, place = uri.partition(":")
    if scheme not in _READERS or not place:
        raise UsageError(f"what is given names no secret: write {EXAMPLE}, or file:PATH")  # it may be the secret itself
    found = _READERS[scheme](place).strip()
    if not found:
        raise RunError(f"the secret {uri} is empty: give it a value")
    return found


def _file(place: str) -> bytes:
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise refused(error) from None


def _version(place: str) -> bytes:
    """A version in Secret Manager."""
    from google.api_core.exceptions import GoogleAPICallError

    if not re.fullmatch(VERSION, place):
        raise UsageError(f"secret:{place} names no version of a secret by its number: write {EXAMPLE}")
    try:
        answer = _client().access_secret_version(name=place, timeout=30.0)
    except DefaultCredentialsError:
        raise RunError("no Google credentials: give the workload a service account that may read the secret") from None
    except GoogleAPICallError as error:
        text = f"{type(error).__name__}: {(error.message or 'no message').splitlines()[0]}"
        raise RunError(f"secret:{place}: {text}: grant roles/secretmanager.secretAccessor on it") from None
    data: bytes = answer.payload.data
    return data


def _client() -> Any:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

    return SecretManagerServiceClient()


def _variable(place: str) -> bytes:
    return os.environb.get(place.encode(), b"")


_READERS: Mapping[str, Callable[[str], bytes]] = {"secret": _version, "file": _file, "environment": _variable}
