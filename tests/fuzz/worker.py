"""One parser in a process of its own, under limits of time and memory: prints what happened as one JSON line.

`python -m tests.fuzz.worker mutate "protobuf traces" 60000 --seed 1`; a batch that hung or crashed: --batch N.
"""

import argparse
import faulthandler
import hashlib
import json
import os
import random
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from pipelines.allocator import tune_allocator
from pipelines.tables import SCHEMAS
from tests.fuzz import documents
from tests.fuzz.parsers import PARSERS, Parser

FOLDER = SCHEMAS.parent / ".otelmart" / "fuzz"
HANG_SECONDS = 20  # for a batch; the process ends with the traceback of what it was doing
ADDRESS_BYTES = 8 << 30
MAX_FOUND = 8


def main(arguments: Sequence[str]) -> int:
    options = _options().parse_args(arguments)
    limit()
    name, parser = options.parser, PARSERS[options.parser]
    if options.batch is not None:
        parser.check(parser.inputs(generator(name, options.seed, options.batch)))
        return 0
    result = Run(name, parser).all(options.way, options.inputs, options.seed)
    print(json.dumps(result | {"parser": name, "way": options.way}))
    return 1 if result["found"] else 0


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz.worker")
    options.add_argument("way", choices=WAYS)
    options.add_argument("parser", choices=PARSERS)
    options.add_argument("inputs", type=int, nargs="?", default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--batch", type=int, help="only this batch of mutated inputs, without catching anything")
    return options


def limit() -> None:
    """Bounds the memory of this process, and tunes it as a loading process is."""
    tune_allocator()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    faulthandler.enable()


def generator(name: str, seed: int, batch: int) -> random.Random:
    return random.Random(f"{seed} {name} {batch}")


@dataclass
class Run:
    """One parser under watch: how many inputs it got, the slowest batch, and what went wrong."""

    name: str
    parser: Parser
    count: int = 0
    slowest_seconds: float = 0.0
    found: list[str] = field(default_factory=list)

    def all(self, way: str, inputs: int, seed: int) -> dict[str, object]:
        """Feeds the parser: what it starts from, mutated inputs, or what hypothesis draws."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        WAYS[way](self, inputs, seed)
        return {
            "inputs": self.count,
            "slowest_batch_ms": round(self.slowest_seconds * 1000),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            "found": self.found,
        }

    def feed(self, inputs: list[bytes]) -> None:
        """Checks a batch, and keeps the input that fails."""
        if len(self.found) >= MAX_FOUND:
            return
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        started = perf_counter()
        self.found += _checked(self.name, self.parser, inputs)
        self.slowest_seconds = max(self.slowest_seconds, perf_counter() - started)
        faulthandler.cancel_dump_traceback_later()
        self.count += len(inputs)


def _seeds(run: Run, _inputs: int, _seed: int) -> None:
    for data in run.parser.seeds():
        run.feed([data])


def _mutate(run: Run, inputs: int, seed: int) -> None:
    at = os.open(at_file(run.name), os.O_CREAT | os.O_WRONLY)
    for batch in range(-(-inputs // run.parser.batch)):
        os.pwrite(at, b"%12d" % batch, 0)
        run.feed(run.parser.inputs(generator(run.name, seed, batch)))


def _draw(run: Run, inputs: int, _seed: int) -> None:
    documents.check(run.name, inputs, run.feed)


WAYS: dict[str, Callable[[Run, int, int], None]] = {"seeds": _seeds, "mutate": _mutate, "draw": _draw}


def at_file(name: str) -> Path:
    """Holds the number of the batch a process is at, for when it dies."""
    return FOLDER / f"{name.replace(' ', '-')}.at"


def _checked(name: str, parser: Parser, inputs: list[bytes]) -> list[str]:
    """[] or what went wrong with the first input that fails alone, else with the batch."""
    error = _error(parser, inputs)
    if error is None:
        return []
    guilty = next(((data, alone) for data in inputs if (alone := _error(parser, [data]))), None)
    kept, error = ([guilty[0]], guilty[1]) if guilty else (inputs, error)
    folder = FOLDER / "found" / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for data in kept:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return [f"{type(error).__name__}: {error} ({len(kept)} in {folder})"]


def _error(parser: Parser, inputs: list[bytes]) -> BaseException | None:
    try:
        parser.check(inputs)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the Rust parser is no Exception
        return error
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
