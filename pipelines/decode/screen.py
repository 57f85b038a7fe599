"""Whether decoding would refuse anything, at a fraction of its cost: what a receiver has to know before it answers."""

from collections.abc import Callable, Sequence

import numpy as np
from google.protobuf.message import DecodeError

from pipelines.decode import expansion, logs, messages, metrics, points, spans, wire
from pipelines.decode.columns import Bools
from pipelines.decode.context import context
from pipelines.decode.rules import Rules
from pipelines.decode.wire import Requests, Unusual
from pipelines.payloads import Payload, Signal


def refuses_nothing(payloads: Sequence[Payload], rules: Rules) -> bool:
    """Whether all rows of protobuf payloads of one signal can be kept. False, too, where only decoding can tell."""
    signal = payloads[0].signal
    try:
        for payload in payloads:
            messages.OFFICIAL[signal].FromString(payload.data)  # attributes, which stay bytes below, and UTF-8
        requests = wire.read_judged(signal, [payload.data for payload in payloads])
        return not _IS_BAD[signal](payloads, rules, requests).any()
    except (DecodeError, Unusual):
        return False


def _spans(payloads: Sequence[Payload], rules: Rules, requests: Requests) -> Bools:
    return spans.is_bad(requests.items, context(payloads, rules, requests, np.diff(requests.item_offsets)))


def _records(payloads: Sequence[Payload], rules: Rules, requests: Requests) -> Bools:
    return logs.is_bad(requests.items, context(payloads, rules, requests, np.diff(requests.item_offsets)))


def _points(payloads: Sequence[Payload], rules: Rules, requests: Requests) -> Bools:
    found = points.flatten(requests.items)
    expansion.check_metrics(payloads, requests, found.rows_of_metric)
    part = context(payloads, rules, requests, metrics.rows_of_scope(requests, found))
    return metrics.is_bad(found.fields, part)


_IS_BAD: dict[Signal, Callable[[Sequence[Payload], Rules, Requests], Bools]] = {
    "traces": _spans,
    "logs": _records,
    "metrics": _points,
}
