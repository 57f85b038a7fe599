"""dbt's command line as a process of its own, with a log and errors for `otelmart build` to read.

dbt itself makes two lines of each of some 8,000 events of a build with tests, for the screen and for its log, and
throws away those below the level asked for, all but some 600; that and collecting garbage that is hardly there take a
quarter of a build. Here lines are made of what is kept.
"""

import gc
import json
import sys
import time
from logging import FileHandler, Formatter, Logger
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from dbt.cli.main import dbtRunner

LOG: Final = "dbt.log"
_LOG_BYTES = 10 << 20
_OBJECTS = 100_000  # made between two collections; Python's own 700 are made by every model
_KEPT = ("info", "warn", "error")
_QUICK = ("--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--use-fast-test-edges")


def main(log_folder: Path, arguments: list[str]) -> int:
    """Runs dbt; 0 if all went well. stdout gets its errors, a JSON text a line, the folder's log the rest as well."""
    gc.set_threshold(_OBJECTS)
    log_folder.mkdir(parents=True, exist_ok=True)
    log = Logger("dbt")
    log.addHandler(_handler(log_folder / LOG))

    def hear(event: Any) -> None:
        if event.info.level in _KEPT and event.info.msg:
            log.info("%-5s %s", event.info.level, event.info.msg)
        if event.info.level == "error":
            print(json.dumps(event.info.msg), flush=True)

    done = dbtRunner(callbacks=[hear]).invoke([*_QUICK, *arguments])
    return 0 if done.success else 1


def _handler(path: Path) -> FileHandler:
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    form = Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    handler.setFormatter(form)
    return handler


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
