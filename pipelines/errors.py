"""The errors that are not our bug: bad data, a person's mistake, a machine's refusal. All else keeps its traceback."""

import errno

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


class BadMessage(ValueError):
    """Data that cannot become rows. `reason` is the dead-letter code; the text holds no value of the data."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class UsageError(Exception):
    """A person's mistake: the text says what, where and the cure. The command exits with 2."""


class RunError(Exception):
    """The machine refused (disk full, no permission): the text says what, where and the cure. Exits with 1."""


def refused(error: OSError) -> RunError:
    """What the operating system refused, where, and the cure."""
    where = f" {error.filename}" if error.filename else ""
    if error.errno in _DISK_FULL:
        return RunError(f"disk full{where}: free some space and run the same command again; what was committed stays")
    if error.errno in _NO_PERMISSION:
        return RunError(f"no permission for{where or ' a file'}: change its owner or mode, or choose another place")
    return RunError(f"{error.strerror or error}:{where or ' no file named'}; put that right and run it again")


def without_credentials(emulator_variable: str) -> RunError:
    """That nobody said to Google who is asking, and the cure."""
    return RunError(
        "no Google credentials: run gcloud auth application-default login, or give the workload a service account; "
        f"for an emulator set {emulator_variable}"
    )
