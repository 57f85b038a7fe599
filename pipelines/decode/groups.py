"""Payloads of one signal cut into groups that fit one native call, each decoded by the path that suits it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pipelines.decode import BadRow, Decoded, kernel, otlp_json, screen
from pipelines.decode.rules import Rules
from pipelines.errors import BadMessage
from pipelines.payloads import Payload

GROUP_BYTES = 16 << 20
# About 60 rows. Below it the fixed cost of the kernel is more than plain Python takes for the rows.
SMALL_BYTES = 24 << 10


def decode(payloads: Sequence[Payload], rules: Rules) -> Decoded:
    """Rows and bad rows of all payloads as one."""
    signal = payloads[0].signal if payloads else "traces"
    parts = [decoded for _, decoded in decode_groups(payloads, rules)]
    return kernel.joined(parts or [kernel.plainly([], rules)], signal)


def decode_groups(payloads: Iterable[Payload], rules: Rules) -> Iterator[tuple[Sequence[Payload], Decoded]]:
    """(payloads, their rows) for one group after the other."""
    for group in _groups(payloads):
        yield group, _decode_group(group, rules)


def refused_rows(payloads: Iterable[Payload], rules: Rules) -> Iterator[tuple[Sequence[Payload], list[BadRow]]]:
    """(payloads, what decoding refuses of them) for one group after the other; decodes only where something is."""
    for group in _groups(payloads):
        converted, bad_json = as_protobuf(group)
        is_good = not bad_json and screen.refuses_nothing(converted, rules)
        yield group, [] if is_good else _decode_group(group, rules).bad_rows


def _groups(payloads: Iterable[Payload]) -> Iterator[list[Payload]]:
    group: list[Payload] = []
    group_bytes = 0
    for payload in payloads:
        if group and group_bytes + len(payload.data) > GROUP_BYTES:
            yield group
            group, group_bytes = [], 0
        group.append(payload)
        group_bytes += len(payload.data)
    if group:
        yield group


def _decode_group(group: Sequence[Payload], rules: Rules) -> Decoded:
    if sum(len(payload.data) for payload in group) < SMALL_BYTES:
        return kernel.plainly(group, rules)
    converted, bad_json = as_protobuf(group)
    decoded = kernel.decode(converted, rules)
    bad_rows = [_as_sent(bad, group[bad.payload_index]) for bad in decoded.bad_rows]
    return replace(decoded, bad_rows=sorted(bad_rows + bad_json, key=lambda bad: bad.payload_index))


def as_protobuf(group: Sequence[Payload]) -> tuple[list[Payload], list[BadRow]]:
    """(the payloads with JSON turned into protobuf, those that are no OTLP/JSON: empty in the list)."""
    converted, bad_json = [], []
    for i, payload in enumerate(group):
        data = payload.data
        if payload.encoding == "json":
            try:
                data = otlp_json.to_protobuf(payload.signal, data)
            except BadMessage as error:
                data = b""
                bad_json.append(BadRow(i, None, error.reason, str(error), payload.data, payload.encoding))
        converted.append(replace(payload, data=data, encoding="protobuf"))
    return converted, bad_json


def _as_sent(bad: BadRow, payload: Payload) -> BadRow:
    """A message that is bad as a whole keeps the bytes that came."""
    return bad if bad.row_ordinal is not None else replace(bad, data=payload.data, encoding=payload.encoding)
