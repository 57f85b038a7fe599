"""Coverage-guided fuzzing of one parser by atheris: `python -m tests.fuzz.guided NAME SECONDS FOLDER`.

Only the code of pipelines/ is instrumented, so it must be imported here and nowhere before.
"""

import hashlib
import random
import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["pipelines"]):
    from tests.fuzz import worker
    from tests.fuzz.mutations import MAX_BYTES
    from tests.fuzz.parsers import PARSERS


def main(name: str, seconds: str, folder: str) -> None:
    parser = PARSERS[name]
    corpus = Path(folder)
    for data in parser.seeds():
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def check(data: bytes) -> None:
        parser.check([data])

    def mutate(data: bytes, max_bytes: int, seed: int) -> bytes:
        if seed % 2:
            return bytes(atheris.Mutate(data, max_bytes))
        return parser.mutate(random.Random(seed), bytes(data), parser.words)[:max_bytes]

    options = {
        "max_total_time": seconds,
        "max_len": MAX_BYTES,
        "timeout": worker.HANG_SECONDS,
        "rss_limit_mb": worker.ADDRESS_BYTES >> 21,
        "artifact_prefix": f"{worker.FOLDER}/found/{name.replace(' ', '-')}-",
        "print_final_stats": 1,
        "seed": 1,
    }
    given = [f"-{key}={value}" for key, value in options.items()]
    atheris.Setup([sys.argv[0], *given, str(corpus)], check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
