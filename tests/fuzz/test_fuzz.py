"""A slice of `make fuzz`, and every input that it ever found: tests/fuzz/found/<parser>/<what was wrong>."""

from pathlib import Path

import pytest

from tests.fuzz import documents
from tests.fuzz.parsers import PARSERS
from tests.fuzz.worker import generator

FOUND = sorted((Path(__file__).parent / "found").glob("*/*"))
SLICE = 3_000


@pytest.mark.parametrize("name", PARSERS)
def test_mutated_inputs_keep_the_property(name: str) -> None:
    for batch in range(-(-SLICE * PARSERS[name].share // (1000 * PARSERS[name].batch))):
        PARSERS[name].check(PARSERS[name].inputs(generator(name, 1, batch)))


@pytest.mark.parametrize("name", documents.DRAWN)
def test_drawn_inputs_keep_the_property(name: str) -> None:
    documents.check(name, 15, PARSERS[name].check)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_was_found_keeps_the_property(path: Path) -> None:
    PARSERS[path.parent.name.replace("-", " ")].check([path.read_bytes()])
