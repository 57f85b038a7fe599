"""Fixtures that several test folders share."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Tests that share what costs much to make go to one worker, all others file by file: (part of the id, group).
SHARED = (
    (re.compile(r"^tests/demo/.*\[(?:.*-)?(default|two_days|one_day|seed_\d+)(?:-.*)?\]$"), r"built \1"),
    (re.compile(r"^tests/sql/"), "googlesql"),
    (re.compile(r"^tests/dbt/test_(?:inputs|rebuilds)"), "builder"),
)


class SharedScheduling(LoadScopeScheduling):
    """Gives a worker all tests of a group (pytest-xdist's own groups do nothing under pytest 9.2)."""

    def _split_scope(self, nodeid: str) -> str:
        found = ((pattern.match(nodeid), group) for pattern, group in SHARED)
        return next((match.expand(group) for match, group in found if match), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedScheduling:
    return SharedScheduling(config, log)


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout that is tested."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def otelmart() -> str:
    """The command a user types, from the environment that runs the tests."""
    return str(Path(sys.executable).parent / "otelmart")
