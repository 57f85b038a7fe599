"""The Storage Write stand-in, which the sinks' clients find, and rules with a key."""

from collections.abc import Iterator

import pytest

from pipelines.decode.rules import Rules
from pipelines.sinks.storage_write import HOST_VARIABLE
from tests.sinks.storage_service import StorageService, served


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules.load(b"key")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageService]:
    service = StorageService()
    with served(service) as host:
        monkeypatch.setenv(HOST_VARIABLE, host)
        yield service
