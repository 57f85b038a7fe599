"""Names that others choose, of files and of services: they say where rows came from, never where they go."""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq

from pipelines import load, units
from pipelines.sources import files
from pipelines.sources.compression import Limits
from pipelines.sources.contents import is_skipped
from tests.fuzz import hostile
from tests.fuzz.mutations import sized
from tests.fuzz.otlp import RULES

PATHS = ("traces/0.bin", "logs.json", "a/b/2026-01-01T00-00.otlp.gz", *hostile.PATHS)
_PART = re.compile(r"(traces|dead_letters)/event_date=\d{4}-\d\d-\d\d/[0-9a-f]{20}\.parquet")
_OTHER = re.compile(r"ingest_ledger/[0-9a-f]{20}\.parquet|_plans/\d{6}\.json")
_RECEIVED_NS = hostile.START_NS + 10**9


def check(inputs: Sequence[bytes]) -> None:
    """Fails unless files with these names, of services with them, load into the parts of a lake and no further."""
    scratch = Path(tempfile.mkdtemp(prefix="otelmart-fuzz-", dir=_memory()))
    try:
        source, lake = scratch / "in", scratch / "lake"
        source.mkdir()
        wanted = sum([_put(source, name) for name in inputs])
        _load(source, lake)
        _check_lake(lake, wanted)
        assert sorted(path.name for path in scratch.iterdir()) == (["in", "lake"] if wanted else ["in"])
    finally:
        shutil.rmtree(scratch)


@cache
def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _put(source: Path, name: bytes) -> bool:
    """Whether a file of that name, below the source, was made and will be read: one good span and one bad one."""
    safe = os.fsdecode(os.path.normpath(b"/" + name).lstrip(b"/"))
    path = source / safe
    with suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            good = hostile.row("traces", b"")
            bad = good.removeprefix(sized(1, b"\1" * 16))  # without its trace id
            service = hostile.pair(b"service.name", sized(1, name))
            file.write(hostile.request(good, bad, resource=service))
        os.utime(path, ns=(_RECEIVED_NS, _RECEIVED_NS))
        return not is_skipped(path.name)
    return False


def _load(source: Path, lake: Path) -> None:
    listing = files.listing(str(source))
    for unit in units.plan_files(lake, listing.files):
        load.load_unit(unit, load.Job(lake, listing.place, RULES, Limits()))
    assert [unit.unit_id for unit in units.plan_files(lake, listing.files)] == []


def _check_lake(lake: Path, wanted: int) -> None:
    row_counts = {"traces": 0, "dead_letters": 0}
    for path in lake.rglob("*"):
        name = str(path.relative_to(lake))
        if found := _PART.fullmatch(name):
            row_counts[found[1]] += pq.ParquetFile(path).metadata.num_rows
        else:
            assert path.is_dir() or _OTHER.fullmatch(name), f"{name!r} is no part of a lake"
    assert row_counts == {"traces": wanted, "dead_letters": wanted}
