"""Texts of people: every privacy action ends, gives text again, and changes nothing the second time."""

from collections.abc import Sequence

from pipelines import payloads
from pipelines.decode import privacy, scalars
from pipelines.payloads import SIGNALS

KEY = b"fuzz-key"


def check_privacy(inputs: Sequence[bytes]) -> None:
    """Fails unless each action of each text can be stored, and all but pseudonymise are idempotent."""
    for data in inputs:
        text = data.decode(errors="replace")
        for action in privacy.ACTIONS:
            once = privacy.transform(action, text, KEY)
            assert once is None or once.encode() is not None
            if once is not None and action != "pseudonymise":
                assert privacy.transform(action, once, KEY) == once, f"{action} is not idempotent"


def check_numbers(inputs: Sequence[bytes]) -> None:
    """Fails unless a text is a number of a column's type that Arrow can hold, or none."""
    for data in inputs:
        text = data.decode(errors="replace")
        for read in scalars.TYPED.values():
            read(text)
        number = scalars.to_int64(text)
        assert number is None or -(2**63) <= number < 2**63
        exact = scalars.to_numeric(text)
        assert exact is None or (exact.is_finite() and exact.copy_abs() < 10**29)


def check_signals(inputs: Sequence[bytes]) -> None:
    """Fails unless the signal that bytes seem to be is one there is."""
    for data in inputs:
        for told in (payloads.json_signal(data), payloads.protobuf_signal(data)):
            assert told is None or told in SIGNALS
        payloads.is_json(data)
