"""No worker outlives its test: one that failed would leave its own to the tests after it."""

from collections.abc import Iterator

import pytest

from tests.stack.test_worker import STARTED


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.terminate()  # it ends its processes with it
        process.communicate(timeout=90)
