"""`make fuzz`: every parser by mutation, by hypothesis and by coverage, and the large shapes; prints counts by parser.

Each runs in a process of its own, two at a time. Inputs that fail are kept in .otelmart/fuzz/found.
"""

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

from tests.fuzz.documents import DRAWN
from tests.fuzz.large import LARGE
from tests.fuzz.parsers import PARSERS
from tests.fuzz.worker import FOLDER, at_file

MUTATED = 1_000_000
DRAWN_EACH = 2_000
GUIDED_SECONDS = 20
WORKERS = 2


@dataclass
class Outcome:
    """What became of one parser, one way."""

    parser: str
    way: str
    inputs: int = 0
    slowest_batch_ms: int = 0
    peak_mib: int = 0
    found: list[str] = field(default_factory=list)


def main(words: Sequence[str]) -> int:
    """Runs parsers whose name contains one of the words, or all."""
    started = perf_counter()
    (FOLDER / "found").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        running = [pool.submit(task) for name, task in _tasks() if not words or any(w in name for w in words)]
        outcomes = [task.result() for task in running]
    _print(outcomes)
    found = [(outcome, text) for outcome in outcomes for text in outcome.found]
    for outcome, text in found:
        print(f"FOUND {outcome.parser}, {outcome.way}: {text}")
    total, minutes = sum(outcome.inputs for outcome in outcomes), (perf_counter() - started) / 60
    print(f"{total:,} inputs in {minutes:.1f} minutes, {len(found)} found")
    return 1 if found else 0


def _tasks() -> list[tuple[str, Callable[[], Outcome]]]:
    """(name, what to do): the longest first."""
    mutated = [(n, partial(_worker, n, "mutate", MUTATED * p.share // 1000)) for n, p in PARSERS.items()]
    drawn = [(name, partial(_worker, name, "draw", DRAWN_EACH)) for name in DRAWN]
    seeds = [(name, partial(_worker, name, "seeds", 0)) for name in PARSERS]
    large = [(name, partial(_large, name)) for name in LARGE]
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: nothing is guided by coverage")
        return [*mutated, *drawn, *seeds, *large]
    return [*mutated, *[(name, partial(_guided, name)) for name in PARSERS], *drawn, *seeds, *large]


def _worker(name: str, way: str, inputs: int) -> Outcome:
    done = _run("tests.fuzz.worker", way, name, str(inputs))
    lines = done.stdout.splitlines()
    if not lines:
        at = at_file(name).read_text() if at_file(name).exists() else "?"
        return Outcome(name, way, found=[f"ended with {done.returncode} in batch {at}: {_told(done)}"])
    told = json.loads(lines[-1])
    return Outcome(name, way, told["inputs"], told["slowest_batch_ms"], told["peak_mib"], told["found"])


def _guided(name: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="otelmart-fuzz-") as corpus:
        done = _run("tests.fuzz.guided", name, str(GUIDED_SECONDS), corpus)
    figures = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
    found = [] if done.returncode == 0 else [f"ended with {done.returncode}: {_told(done)}"]
    inputs, peak_mib = (int(figures.get(key, 0)) for key in ("number_of_executed_units", "peak_rss_mb"))
    if not inputs and not found:
        found = [f"atheris told of no input: {_told(done)}"]
    return Outcome(name, "guide", inputs, 1000 * int(figures.get("slowest_unit_time_sec", 0)), peak_mib, found)


def _large(name: str) -> Outcome:
    done = _run("tests.fuzz.large", name)
    if done.returncode:
        return Outcome("large shapes", "large", found=[f"{name}: ended with {done.returncode}: {_told(done)}"])
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome("large shapes", "large", 1, round(told["seconds"] * 1000), told["peak_mib"])


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, errors="replace")


def _told(done: subprocess.CompletedProcess[str]) -> str:
    """The lines of a failed process that say what happened."""
    lines = [line for line in done.stderr.splitlines() if re.search(r"Error|Timeout|Fatal|ERROR|File \"", line)]
    return " | ".join(lines[-6:])[:1000]


def _print(outcomes: Sequence[Outcome]) -> None:
    ways = ("seeds", "mutate", "draw", "guide", "large")
    print(f"{'parser':<18}" + "".join(f"{way:>10}" for way in ways) + f"{'slowest ms':>12}{'peak MiB':>10}{'found':>7}")
    by_parser: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_parser[outcome.parser].append(outcome)
    for name, own in by_parser.items():
        counts = [sum(o.inputs for o in own if o.way == way) for way in ways]
        slowest_ms, peak_mib = max(o.slowest_batch_ms for o in own), max(o.peak_mib for o in own)
        shown = "".join(f"{count:>10,}" for count in counts)
        print(f"{name:<18}{shown}{slowest_ms:>12,}{peak_mib:>10,}{sum(len(o.found) for o in own):>7}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
