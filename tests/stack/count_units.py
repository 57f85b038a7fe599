"""`dask worker --preload` this: writes a line for each unit that the worker starts, and takes its time over it."""

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from pipelines import graph
from pipelines.load import Job
from pipelines.units import Unit


def dask_setup(worker: Any) -> None:
    """Dask calls this once, when the worker starts."""
    graph.load_unit = partial(_counted, graph.load_unit)


def _counted(load_unit: Any, unit: Unit, job: Job) -> None:
    with Path(os.environ["STARTED_UNITS"]).open("a") as started:
        started.write(f"{os.getpid()} {unit.unit_id}\n")
    time.sleep(0.2)
    load_unit(unit, job)
