"""Large hostile inputs, one a process: `python -m tests.fuzz.large "traces: a million attributes"` says what it took.

Each ends in rows or dead letters within MAX_SECONDS of CPU and the address space that `worker.limit` leaves.
"""

import faulthandler
import json
import resource
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from io import BytesIO
from time import process_time

from pipelines.decode import decode_groups, privacy
from pipelines.payloads import SIGNALS, Signal
from pipelines.sources import framing
from pipelines.sources.compression import Limits
from tests.decode.kernel_oracle import payload
from tests.fuzz import hostile
from tests.fuzz.otlp import RULES
from tests.fuzz.worker import limit

MAX_SECONDS = 60
HANG_SECONDS = 300  # of the clock: then the process ends with the traceback of what it was doing
TEXT_BYTES = 1 << 20


def of_request(signal: Signal, name: str) -> Counter[str]:
    """Rows and dead letters of a large request."""
    outcomes: Counter[str] = Counter()
    for _, decoded in decode_groups([payload(signal, hostile.LARGE[name](signal))], RULES):
        outcomes["rows"] += decoded.rows.num_rows
        outcomes.update(bad.reason for bad in decoded.bad_rows)
    return outcomes


def of_file(make: Callable[[], bytes]) -> Counter[str]:
    """Messages and damages of a large file."""
    data = make()
    found = framing.messages(BytesIO(data), len(data), Limits())
    return Counter(each.reason if isinstance(each, framing.Damage) else "messages" for each in found)


def of_text(word: str) -> Counter[str]:
    """What is left of a megabyte of the same word, after every privacy action."""
    text = word * (TEXT_BYTES // len(word))
    return Counter({action: len(privacy.transform(action, text, b"key") or "") for action in privacy.ACTIONS})


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


WORDS = (
    "@",
    "a@b.",
    "%40",
    ";a=",
    "password=",
    "password='",
    'secret="\\',
    "a_",
    "token=x ",
    "://",
    "?a=",
    "&",
    "eyJabcde.",
    "a" * 24,
    "-",
)
LARGE: dict[str, Callable[[], Counter[str]]] = {
    **{f"{s}: {name}": partial(of_request, s, name) for s in SIGNALS for name in hostile.LARGE},
    "a gigabyte of zeros in gzip": partial(of_file, lambda: hostile.bomb("gzip", 1024)),
    "a gigabyte of zeros in zstd": partial(of_file, lambda: hostile.bomb("zstd", 1024)),
    "500 framed bombs of 256 MiB": partial(of_file, lambda: _framed(hostile.bomb("zstd", 256)) * 500),
    "a million empty gzip members": partial(of_file, lambda: hostile.EMPTY_GZIP * 1_000_000),
    "a million skippable zstd frames": partial(of_file, lambda: hostile.SKIPPABLE * 1_000_000),
    "a million lines of JSON": partial(of_file, lambda: b'{"resourceSpans":[]}\n' * 1_000_000),
    "16 MiB of opening brackets": partial(of_file, lambda: b'{"resourceSpans":' + b"[" * (16 << 20)),
    "a length of 4 GiB": partial(of_file, lambda: b"\xff\xff\xff\xff\x0a" + bytes(1 << 20)),
    **{f"a megabyte of {word}": partial(of_text, word) for word in WORDS},
}  # fmt: skip


def main(name: str) -> None:
    limit()
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    started = process_time()
    outcomes = LARGE[name]()
    seconds = process_time() - started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"large": name, "seconds": round(seconds, 1), "peak_mib": peak_mib, "outcomes": outcomes}))
    sys.exit(seconds > MAX_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
