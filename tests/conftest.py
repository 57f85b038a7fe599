"""Fixtures that several test folders share."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout that is tested."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def otelmart() -> str:
    """The command a user types, from the environment that runs the tests."""
    return str(Path(sys.executable).parent / "otelmart")
