"""`make bench`: runs every tests/bench/bench_*.py in this process, prints ratios first, writes .otelmart/bench.json.

`otelmart cost --page deploy/cost` makes the cost page of it.

Each bench module has `measure() -> {name: {"value", "unit", "against"}}`; both sides of a ratio run in the same call.
`make bench` runs all; `python tests/bench/run.py decode` only those whose name contains the word.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from pipelines.allocator import tune_allocator

HERE = Path(__file__).resolve().parent
RESULT = HERE.parent.parent / ".otelmart" / "bench.json"


def main(words: list[str]) -> None:
    tune_allocator()
    sys.path.insert(0, str(HERE))
    figures: dict[str, Any] = json.loads(RESULT.read_text()) if words and RESULT.exists() else {}
    for path in sorted(HERE.glob("bench_*.py")):
        if words and not any(word in path.stem for word in words):
            continue
        print(f"\n{path.stem}", flush=True)
        measured = _load(path).measure()
        for name, figure in sorted(measured.items(), key=lambda item: item[1]["unit"] != "x"):
            print(
                f"  {figure['value']:>12,.3f} {figure['unit']:<10} {name:<42} against {figure['against']}", flush=True
            )
        figures.update(measured)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    print(f"\nwritten to {RESULT.relative_to(HERE.parent.parent)}")


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(sys.argv[1:])
