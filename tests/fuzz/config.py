"""Files that people edit: each is read, or refused with the project's own error; nothing else is ever raised."""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from pipelines.decode.rules import Rules
from pipelines.errors import RunError, UsageError
from pipelines.payloads import Payload
from pipelines.render import funnel_seeds, slos
from pipelines.sources import contents
from pipelines.tables import SCHEMAS
from tests.decode.kernel_oracle import assert_kernel_equals_reference as check_same
from tests.decode.kernel_oracle import payload
from tests.fuzz import hostile

REPO = SCHEMAS.parent
MANIFEST = b'{"path": "traces/0.bin", "received_unix_ns": 1760000030000000000}'
SEED_FILES = ("funnels.csv", "funnel_steps.csv", "fact_rules.csv")


def only_own_errors() -> suppress:
    """What a person's mistake may raise; anything else fails the check."""
    return suppress(UsageError, RunError)


@cache
def _folder() -> Path:
    """A scratch folder of this process."""
    folder = Path(tempfile.mkdtemp(prefix="otelmart-fuzz-"))
    (folder / "dbt" / "slos").mkdir(parents=True)
    for name in SEED_FILES:
        shutil.copy(REPO / "dbt" / "seeds" / name, folder / name)
    return folder


def check_rules(inputs: Sequence[bytes]) -> None:
    """Fails unless rules that are accepted can decode a request too."""
    path = _folder() / "rules.json"
    for data in inputs:
        path.write_bytes(data)
        with only_own_errors():
            rules = Rules.load(b"fuzz-key", promoted=path)
            check_same(_small_requests(), rules)
        with only_own_errors():
            rules = Rules.load(b"fuzz-key", privacy=path)
            check_same(_small_requests(), rules)


@cache
def _small_requests() -> list[Payload]:
    pairs = [hostile.pair(key, b"\x0a\x01v") for key in (b"http.target", b"user.id", b"enduser.id", b"order.total")]
    return [payload("traces", b"".join(hostile.request(hostile.row("traces", p), resource=p) for p in pairs))]


def check_slos(inputs: Sequence[bytes]) -> None:
    path = _folder() / "dbt" / "slos" / "fuzz.yaml"
    for data in inputs:
        path.write_bytes(data)
        with only_own_errors():
            for text in slos.files(_folder()).values():
                text.encode()


def check_seed(name: str, inputs: Sequence[bytes]) -> None:
    """One of SEED_FILES beside the two others as they are shipped."""
    path = _folder() / name
    try:
        for data in inputs:
            path.write_bytes(data)
            with only_own_errors():
                funnel_seeds.check(_folder())
    finally:
        shutil.copy(REPO / "dbt" / "seeds" / name, path)


def check_manifest(inputs: Sequence[bytes]) -> None:
    """Fails unless receive times that are accepted fit a TIMESTAMP."""
    for data in inputs:
        with only_own_errors():
            for time_us in contents.times_us(data.splitlines(), contents.MANIFEST).values():
                assert -(2**63) <= time_us < 2**63, f"{time_us} fits no TIMESTAMP"
