"""otelmart in children of a second process that has imported everything, killed where a test asks: see killer.py."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Runs = Callable[..., int]


@contextmanager
def killable(place: Path, **environment: str) -> Iterator[Runs]:
    """Runs otelmart in a directory, killed where asked; gives the child's exit status."""
    command = [sys.executable, str(Path(__file__).parent / "killer.py")]
    own: Mapping[str, str] = {"OTELMART_PRIVACY_KEY": "a key for tests", "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**own, **environment}, cwd=place
    ) as server:
        stdin, stdout = server.stdin, server.stdout
        assert stdin
        assert stdout

        def runs(args: list[str], kill: object = None) -> int:
            stdin.write(json.dumps({"args": args, "kill": kill}) + "\n")
            stdin.flush()
            return int(stdout.readline())

        yield runs
        stdin.close()
