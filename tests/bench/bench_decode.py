"""Decoding: the kernel against dict rows, and against the floor: official classes that parse and throw away.

All three read the same requests in turn, several rounds; a ratio is the median over rounds of ratios within a round.
CPU time of this process. The usual traffic, and spans of which 60 % of the attribute values are unique.
"""

import statistics
import time
from collections.abc import Callable

import dict_rows as usual
import traffic

from pipelines import tables
from pipelines.decode import groups, messages
from pipelines.payloads import Payload, Signal, payload_id

ROUNDS = 5
ROWS_PER_REQUEST = 512
DICT_ROW_SCHEMA = tables.arrow_schema("traces")
dict_rows = usual.dict_rows

# name → (signal, what one row is, requests); 26 trace requests are 8 MB: one group
CASES: dict[str, tuple[Signal, str, Callable[[], list[bytes]]]] = {
    "spans": ("traces", "span", lambda: traffic.trace_requests(52)),
    "spans_high_cardinality": ("traces", "span", lambda: traffic.trace_requests(26, high_cardinality=True)),
    "logs": ("logs", "record", lambda: traffic.log_requests(48)),
    "points": ("metrics", "point", lambda: traffic.metric_requests(64)),
}


def measure() -> dict[str, dict[str, object]]:
    """Ratios and µs a row of each case."""
    figures: dict[str, dict[str, object]] = {}
    for name, (signal, row, make) in CASES.items():
        figures |= _figures(name, signal, row, make())
    return figures


def _figures(name: str, signal: Signal, row: str, requests: list[bytes]) -> dict[str, dict[str, object]]:
    row_count = len(requests) * ROWS_PER_REQUEST
    payloads = [
        Payload(signal, data, "protobuf", payload_id(data), usual.RECEIVE_TIME_US, f"{name}-{i}")
        for i, data in enumerate(requests)
    ]
    rounds = [
        {
            "floor": _cpu_us(lambda: _parse_and_discard(signal, requests)) / row_count,
            "kernel": _cpu_us(lambda: _decode(payloads)) / row_count,
            "dict": _cpu_us(lambda: usual.table(signal, requests[:12])) / (12 * ROWS_PER_REQUEST),
        }
        for _ in range(ROUNDS + 1)
    ][1:]
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
