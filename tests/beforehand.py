"""Commands that start under a limit or with a signal's default.

What is set, is set by a process of its own, which then becomes the command. subprocess would run a preexec_fn in a fork
of the tests' process; where gRPC has threads, such a fork aborts now and then: 8 of 200 times beside a busy channel.
"""

import sys

_BECOME = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


def _first(statements: str) -> tuple[str, ...]:
    """What to put before a command, so that Python's `statements` come first."""
    return sys.executable, "-c", f"{statements}\n{_BECOME}"


AT_MOST_20_KB_A_FILE = _first("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))")

# a shell turns Ctrl-C off for what it runs in the background, and so for its children
HEARING_CTRL_C = _first("import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)")

# file modes count for root too once the capabilities that pass them are dropped: linux/capability.h, linux/prctl.h
WITHOUT_THE_RIGHTS_OF_ROOT = _first(
    """
import ctypes, os
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
"""
)
