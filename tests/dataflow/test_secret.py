"""A secret by its URI: from a file, and from Secret Manager by Google's client, with a stand-in behind it."""

import json
import os
from collections.abc import Iterator
from concurrent import futures
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceClient, types
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from pipelines import secret as module
from pipelines.cli.options import KEY_VARIABLE, privacy_key
from pipelines.errors import RunError, UsageError
from pipelines.secret import secret
from pipelines.sinks.lake import Lake
from pipelines.worker.process import Settings, Worker

VERSION = "projects/shop-prod/secrets/k/versions/1"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Secret Manager's versions by name; another is not found, or none of the asker's business."""
    versions: dict[str, bytes] = {}

    def access(request: Any, context: grpc.ServicerContext) -> Any:
        if request.name not in versions:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission denied on resource (or it may not exist).")
        return types.AccessSecretVersionResponse.pb()(name=request.name, payload={"data": versions[request.name]})

    request, encode = types.AccessSecretVersionRequest.pb(), lambda answer: answer.SerializeToString()
    handler = grpc.unary_unary_rpc_method_handler(access, request.FromString, encode)
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    monkeypatch.setattr(module, "_client", lambda: client)
    yield versions
    channel.close()
    server.stop(None).wait()


def test_a_version_is_read_without_the_white_space_around_it(manager: dict[str, bytes]) -> None:
    manager[VERSION] = b"the key\n"
    assert secret(f"secret:{VERSION}") == b"the key"


def test_a_version_that_may_not_be_read_is_named_with_the_cure(manager: dict[str, bytes]) -> None:
    with pytest.raises(RunError, match=rf"secret:{VERSION}: PermissionDenied: .*: grant roles/secretmanager"):
        secret(f"secret:{VERSION}")


def test_an_empty_secret_is_refused(manager: dict[str, bytes], tmp_path: Path) -> None:
    manager[VERSION] = b"\n"
    (tmp_path / "key").write_text(" ")
    for uri in (f"secret:{VERSION}", f"file:{tmp_path}/key"):
        with pytest.raises(RunError, match="is empty: give it a value"):
            secret(uri)


def test_a_file_is_read_and_one_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the key\n")
    assert secret(f"file:{tmp_path}/key") == b"the key"
    with pytest.raises(RunError, match=r"No such file or directory: .*nothing"):
        secret(f"file:{tmp_path}/nothing")


@pytest.mark.parametrize("uri", ["", "hunter2", "secret:", "env:KEY", "secret:projects/p/secrets/k/versions/latest"])
def test_what_names_no_secret_is_said_and_not_repeated(uri: str) -> None:
    with pytest.raises(UsageError, match="write secret:projects/PROJECT/secrets/NAME/versions/1") as error:
        secret(uri)
    assert "hunter2" not in str(error.value)  # may be the secret itself


def test_a_key_has_no_white_space_around_it_wherever_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a person had one pseudonym from the worker and another from a backfill."""
    monkeypatch.setenv(KEY_VARIABLE, "the key\n")
    assert privacy_key() == secret(f"environment:{KEY_VARIABLE}") == b"the key"


def test_a_key_may_be_any_bytes_wherever_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, manager: dict[str, bytes]
) -> None:
    key = b"\xff key\x1c"  # no text; and of a text, the last were white space
    manager[VERSION] = key
    (tmp_path / "key").write_bytes(key)
    monkeypatch.setenv(KEY_VARIABLE, os.fsdecode(key))
    told = Settings("s", "lake:l", privacy_key().decode(errors="surrogateescape"), 1, 1, 1.0, 1, 10)
    worker = Worker(Settings(**json.loads(json.dumps(asdict(told)))), Lake(tmp_path), Event(), lambda _: None)
    places = f"secret:{VERSION}", f"file:{tmp_path}/key", f"environment:{KEY_VARIABLE}"
    assert [secret(place) for place in places] == [key] * 3
    assert worker._rules.key == key
