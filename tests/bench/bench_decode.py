"""Decoding: the kernel against dict rows, and against the floor: official classes that parse and throw away.

All three read the same requests in turn, several rounds; a ratio is the median over rounds of ratios within a round.
Each round has requests of its own, of the same users and services: what a process remembers is of earlier ones, as it
is in use. CPU time; requests and dict rows are made in a process beside, whose heap nothing else meets.
The usual traffic, and spans of which 60 % of the attribute values are unique.

Where the kernel's time goes: one more run of each case, in which the clock is read as STAGES begin and end. A figure is
what a stage takes itself, without the stages in it. "rest" is the columns and checks that no stage names.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial, wraps
from multiprocessing import get_context
from typing import Any
from unittest import mock

import dict_rows as usual
import traffic

from pipelines.allocator import tune_allocator
from pipelines.decode import attributes, expansion, groups, logs, messages, metrics, nested, promotion, spans, wire
from pipelines.payloads import Payload, Signal, payload_id

ROUNDS = 5
ROWS_PER_REQUEST = 512

# name → (signal, what one row is, requests of a seed): as many as are one group, 16 MiB, of which a run has most
CASES: dict[str, tuple[Signal, str, Callable[..., list[bytes]]]] = {
    "spans": ("traces", "span", partial(traffic.trace_requests, 56)),
    "spans_high_cardinality": ("traces", "span", partial(traffic.trace_requests, 52, high_cardinality=True)),
    "logs": ("logs", "record", partial(traffic.log_requests, 93)),
    "points": ("metrics", "point", partial(traffic.metric_requests, 130)),
}

_SIGNALS: tuple[Any, ...] = (spans, logs, metrics)
# stage → functions that are it, where their callers look for them
STAGES: dict[str, list[tuple[Any, str]]] = {
    "parse": [(wire, "read")],
    "guards": [(wire, "_check_depth"), (expansion, "check"), (metrics.expansion, "check_metrics")],
    "hash_pairs": [(module, "encode") for module in _SIGNALS],
    "texts": [(nested, "read"), (nested, "pairs"), (attributes, "_coded_texts")],
    "privacy": [(attributes, "_privatised"), (spans, "privatised"), (logs, "privatised")],
    "promotion": [(module, "promoted_columns") for module in _SIGNALS] + [(promotion, "first_text")],
    "attribute_columns": [(attributes.Attributes, "column"), (attributes.Attributes, "repeated_column")],
    "ids": [(spans, "_identity"), (logs, "_identity"), (metrics, "_series_ids")],
    "events_and_links": [(spans, "_events"), (spans, "_links")],
    "bodies": [(logs, "_body")],
    "flatten_points": [(metrics.points, "flatten")],
    "shared_columns": [(module, "shared_columns") for module in _SIGNALS],
    "bad_rows": [(module, "is_bad") for module in _SIGNALS],
}


def measure() -> dict[str, dict[str, object]]:
    """Ratios and µs a row of each case."""
    figures: dict[str, dict[str, object]] = {}
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=tune_allocator) as beside:
        for name, (signal, row, make) in CASES.items():
            figures |= _figures(name, signal, row, make, beside)
    return figures


def _figures(
    name: str, signal: Signal, row: str, make: Callable[..., list[bytes]], beside: Executor
) -> dict[str, dict[str, object]]:
    rounds = [_round(signal, beside.submit(make, seed=seed).result(), beside) for seed in range(ROUNDS + 1)][1:]
    middle = {path: statistics.median(each[path] for each in rounds) for path in rounds[0]}
    speedup = statistics.median(each["dict"] / each["kernel"] for each in rounds)
    of_floor = statistics.median(each["floor"] / each["kernel"] for each in rounds)
    return {
        f"decode_{name}_speedup": {
            "value": speedup,
            "unit": "x",
            "against": "official classes, dicts, Table.from_pylist",
        },
        f"decode_{name}_of_floor": {
            "value": of_floor,
            "unit": "x",
            "against": "ParseFromString thrown away (1 = as fast)",
        },
        f"decode_{name}": {
            "value": middle["kernel"],
            "unit": f"us/{row}",
            "against": f"dict rows {middle['dict']:.1f}",
        },
        f"decode_{name}_floor": {
            "value": middle["floor"],
            "unit": f"us/{row}",
            "against": "same requests, same rounds",
        },
        **_stages(name, row, _payloads(signal, beside.submit(make, seed=ROUNDS + 1).result())),
    }


def _round(signal: Signal, requests: list[bytes], beside: Executor) -> dict[str, float]:
    """µs a row of each path."""
    payloads = _payloads(signal, requests)
    row_count = len(requests) * ROWS_PER_REQUEST
    return {
        "dict": beside.submit(usual.cpu_us, signal, requests[:12]).result() / (12 * ROWS_PER_REQUEST),
        "floor": _cpu_us(lambda: _parse_and_discard(signal, requests)) / row_count,
        "kernel": _cpu_us(lambda: _decode(payloads)) / row_count,
    }


def _payloads(signal: Signal, requests: list[bytes]) -> list[Payload]:
    return [
        Payload(signal, data, "protobuf", payload_id(data), usual.RECEIVE_TIME_US, str(i))
        for i, data in enumerate(requests)
    ]


def _stages(name: str, row: str, payloads: list[Payload]) -> dict[str, dict[str, object]]:
    """What each stage takes itself, and all that is left, in µs a row."""
    taken: Counter[str] = Counter()
    inner: list[float] = []

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **named: Any) -> Any:
            inner.append(0)
            started = time.process_time_ns()
            try:
                return function(*args, **named)
            finally:
                spent = time.process_time_ns() - started
                taken[stage] += spent - inner.pop()
                if inner:
                    inner[-1] += spent

        return call

    stages = [(stage, owner, function) for stage, functions in STAGES.items() for owner, function in functions]
    with ExitStack() as patches:
        for stage, owner, function in stages:
            patches.enter_context(mock.patch.object(owner, function, timed(stage, getattr(owner, function))))
        timed("rest", _decode)(payloads)
    return {
        f"decode_{name}_stage_{stage}": {
            "value": spent / 1000 / (len(payloads) * ROWS_PER_REQUEST),
            "unit": f"us/{row}",
            "against": "itself alone",
        }
        for stage, spent in taken.most_common()
    }


def _parse_and_discard(signal: Signal, requests: list[bytes]) -> None:
    for request in requests:
        messages.OFFICIAL[signal].FromString(request)


def _decode(payloads: list[Payload]) -> None:
    for _ in groups.decode_groups(payloads, usual.RULES):
        pass


def _cpu_us(work: Callable[[], object]) -> float:
    started = time.process_time_ns()
    work()
    return (time.process_time_ns() - started) / 1000
