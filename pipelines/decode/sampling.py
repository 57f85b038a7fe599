"""How many spans a sampled span stands for (W3C tracestate `ot=`, OpenTelemetry probability sampling). Pure."""

import math
import re

from pipelines.decode.scalars import to_float64

_OT_VALUE = re.compile(r"(?:^|,)[ \t]*ot=([^,]*)")
_THRESHOLD = re.compile(r"[0-9a-f]{1,14}")
_P_VALUE = re.compile(r"[0-9]{1,2}")


def adjusted_count(trace_state: str | None, weight_text: str | None) -> tuple[float, str]:
    """(spans that this one stands for, where that is known from): ot_th, ot_p, weight_attribute or unknown (1.0).

    `th` is a rejection threshold T of 56 bits as 1..14 hex digits without trailing zeros: count = 2^56 / (2^56 - T).
    `p` 0..62 means 2^p, and 63 a probability of zero: 0.0. What is malformed falls through to the next.
    """
    for key, value in _ot_members(trace_state):
        if key == "th" and _THRESHOLD.fullmatch(value):
            return 2.0**56 / (2**56 - int(value.ljust(14, "0"), 16)), "ot_th"
    for key, value in _ot_members(trace_state):
        if key == "p" and _P_VALUE.fullmatch(value) and int(value) <= 63:
            return (0.0 if int(value) == 63 else 2.0 ** int(value)), "ot_p"
    weight = to_float64(weight_text) if weight_text is not None else None
    if weight is not None and math.isfinite(weight) and weight > 0:
        return weight, "weight_attribute"
    return 1.0, "unknown"


def _ot_members(trace_state: str | None) -> list[tuple[str, str]]:
    """(key, value) of the `;`-separated members of OpenTelemetry's tracestate entry, in order."""
    found = _OT_VALUE.search(trace_state) if trace_state else None
    if not found:
        return []
    return [(key, value) for key, _, value in (member.partition(":") for member in found[1].strip(" \t").split(";"))]
