"""A small demo, written once."""

import pytest

from pipelines.demo.generate import generate
from tests.demo.reading import Demo, read


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Two days with 40 users, seed 11."""
    directory = tmp_path_factory.mktemp("demo") / "shop"
    generate(directory, seed=11, days=2, users=40)
    return read(directory)
