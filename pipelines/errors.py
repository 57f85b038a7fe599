"""The two errors that are not our bug: bad data, and a person's mistake. Everything else keeps its traceback."""


class BadMessage(ValueError):
    """Data that cannot become rows. `reason` is the dead-letter code; the text holds no value of the data."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class UsageError(Exception):
    """A person's mistake: the text says what, where and the cure. The command exits with 2."""


class RunError(Exception):
    """The machine refused (disk full, no permission): the text says what, where and the cure. Exits with 1."""
