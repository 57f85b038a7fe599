"""A subscription that cannot be drained is told before work starts, with the cure that helps."""

import re
from typing import Any

import grpc
import pytest

from pipelines.errors import RunError
from pipelines.sources.pubsub import EMULATOR_VARIABLE, checks
from tests.worker.subscription import NAME, served

CODE = grpc.StatusCode
NO_PROJECT = (
    "Requested project not found or user does not have access to it (project=p). Make sure to specify the unique "
    "project identifier and not the Google Cloud Console display name."
)


def look(monkeypatch: pytest.MonkeyPatch, **about: Any) -> str:
    with served(**about) as host:
        monkeypatch.setenv(EMULATOR_VARIABLE, host)
        (check,) = checks(NAME)
        return check.look()


@pytest.mark.parametrize("permissions", [None, ["pubsub.subscriptions.consume"]], ids=["not told", "may pull"])
def test_a_subscription_that_can_be_drained_is_fit(monkeypatch: pytest.MonkeyPatch, permissions: Any) -> None:
    assert look(monkeypatch, permissions=permissions) == ""


@pytest.mark.parametrize(
    ("about", "text"),
    [
        (
            {"permissions": []},
            f"{NAME}: this account may look at it, and not pull from it, for it lacks pubsub.subscriptions.consume: "
            "grant roles/pubsub.subscriber on it to this account",
        ),
        (
            {"refusal": (CODE.PERMISSION_DENIED, "User not authorized to perform this action.")},
            f"{NAME}: PermissionDenied: User not authorized to perform this action.: "
            "grant roles/pubsub.subscriber and roles/pubsub.viewer on it to this account",
        ),
        (
            {"refusal": (CODE.NOT_FOUND, "Resource not found (resource=s).")},
            f"{NAME}: NotFound: Resource not found (resource=s).: "
            "make it: gcloud pubsub subscriptions create s --project p --topic TOPIC",
        ),
        (
            {"refusal": (CODE.NOT_FOUND, NO_PROJECT)},
            f"{NAME}: NotFound: {NO_PROJECT}: "
            "is p the project's ID, not its display name? gcloud projects list shows both",
        ),
    ],
)
def test_a_refusal_names_the_cure_that_helps(monkeypatch: pytest.MonkeyPatch, about: dict[str, Any], text: str) -> None:
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        look(monkeypatch, **about)
