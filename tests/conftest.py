"""Fixtures that several test folders share."""

import sys
from pathlib import Path

import pytest

# What costs much to make is made once a run: the tests that share it go to the same worker, all others file by file.
SHARED = ("built", "builder", "full_refresh", "incremental")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups tests for `pytest --dist loadgroup`."""
    for item in items:
        shared = next((name for name in SHARED if name in getattr(item, "fixturenames", ())), None)
        group = "googlesql" if shared in ("full_refresh", "incremental") else shared or str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout that is tested."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def otelmart() -> str:
    """The command a user types, from the environment that runs the tests."""
    return str(Path(sys.executable).parent / "otelmart")
