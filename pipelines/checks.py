"""What is looked at before work starts: by a worker, and by `otelmart doctor`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must be fit. `look` returns what deserves care, mostly nothing, and raises RunError when it is
    not fit."""

    what: str
    look: Callable[[], str]
