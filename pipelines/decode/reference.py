"""The plain decoder: one message, one row at a time. Oracle of the kernel, and the path of small or unusual batches.

Choices that the kernel shares: a bucket count above 2^63-1 dead-letters its row (count_out_of_range), any other uint64
count above it is NULL; a span start or end above 2^63-1 ns dead-letters it, an event, exemplar, observed or point start
time above it is unknown like 0; nesting past protobuf's 100 levels makes a whole request bad_protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from pipelines import tables
from pipelines.decode import BadRow, Decoded, bad_rows, messages, otlp_json, plain_logs, plain_points, plain_spans
from pipelines.decode.plain import Context, Level, Row, Source
from pipelines.decode.repairs import is_repaired
from pipelines.decode.rules import Rules
from pipelines.errors import BadMessage
from pipelines.payloads import Payload, Signal


def decode(payloads: Sequence[Payload], rules: Rules) -> Decoded:
    """Rows and bad rows of payloads of one signal, in payload and wire order."""
    rows = _Rows(tables.arrow_schema(payloads[0].signal if payloads else "traces"))
    parts = [_decode_one(i, payload, rules, rows) for i, payload in enumerate(payloads)]
    return Decoded(
        rows=rows.batch(),
        payload_index=pa.array([i for i, part in enumerate(parts) for _ in range(part.row_count)], pa.int32()),
        bad_rows=[bad for part in parts for bad in part.bad_rows],
        wrong_type_counts=[part.wrong_type_count for part in parts],
        repaired_row_counts=[part.repaired_row_count for part in parts],
    )


@dataclass
class _Rows:
    """Rows so far, turned into Arrow a few at a time: as dicts they take many times the memory."""

    schema: pa.Schema
    waiting: list[Row] = field(default_factory=list)
    batches: list[pa.RecordBatch] = field(default_factory=list)

    def append(self, row: Row) -> None:
        self.waiting.append(row)
        if len(self.waiting) >= _ROWS_A_BATCH:
            self._convert()

    def batch(self) -> pa.RecordBatch:
        self._convert()
        rows: pa.RecordBatch = pa.concat_batches(self.batches)  # type: ignore[attr-defined]
        return rows

    def _convert(self) -> None:
        self.batches.append(pa.RecordBatch.from_pylist(self.waiting, schema=self.schema))
        self.waiting.clear()


_ROWS_A_BATCH = 2048


@dataclass
class _Part:
    """What became of one payload."""

    row_count: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    wrong_type_count: int = 0
    repaired_row_count: int = 0


@dataclass(frozen=True)
class _Item:
    """Something that should become one row: how to check and make it, and the request that would hold it alone."""

    check: Callable[[], None]
    row: Callable[[], tuple[Row, int]]
    request: Callable[[], bytes]
    parts: tuple[Any, ...]
    context: Context

    def is_repaired(self) -> bool:
        levels = (self.context.scope, self.context.resource)
        return any(level.is_repaired for level in levels) or any(map(is_repaired, self.parts))


def bad_rows_of(payload: Payload, rules: Rules) -> list[BadRow]:
    """The bad rows that `decode([payload], rules)` has, without the work for the good ones."""
    try:
        request = _parse(payload)[0]
    except BadMessage as error:
        return [_whole(0, payload, error)]
    return [bad for _, _, bad in _checked(0, payload, request, rules) if bad is not None]


def single_requests(payload: Payload, rules: Rules) -> dict[int, Callable[[], bytes]]:
    """{row ordinal: what makes the request that holds that row alone}. Raises BadMessage."""
    request, _ = _parse(payload)
    return {
        ordinal: item.request
        for ordinal, item in enumerate(_items(request, Source(payload, rules)), payload.first_row_ordinal)
    }


def _decode_one(index: int, payload: Payload, rules: Rules, rows: _Rows) -> _Part:
    try:
        request, data = _parse(payload)
    except BadMessage as error:
        return _Part(bad_rows=[_whole(index, payload, error)])
    is_utf8 = _is_utf8(payload.signal, data)
    part = _Part()
    for ordinal, item, bad in _checked(index, payload, request, rules):
        if bad is not None:
            part.bad_rows.append(bad)
            continue
        row, wrong_type_count = item.row()
        rows.append({**row, **item.context.columns, "row_ordinal": ordinal})
        part.row_count += 1
        part.wrong_type_count += wrong_type_count
        part.repaired_row_count += not is_utf8 and item.is_repaired()
    return part


def _checked(index: int, payload: Payload, request: Any, rules: Rules) -> Iterator[tuple[int, _Item, BadRow | None]]:
    """(ordinal, item, what is wrong with it) of everything in the request."""
    for ordinal, item in enumerate(_items(request, Source(payload, rules)), payload.first_row_ordinal):
        try:
            item.check()
        except BadMessage as error:
            yield ordinal, item, BadRow(index, ordinal, error.reason, str(error), item.request())
        else:
            yield ordinal, item, None


def _whole(index: int, payload: Payload, error: BadMessage) -> BadRow:
    return BadRow(index, None, error.reason, str(error), payload.data, payload.encoding)


def _parse(payload: Payload) -> tuple[Any, bytes]:
    """The request message and its protobuf bytes. Raises BadMessage."""
    data = payload.data
    if payload.encoding == "json":
        data = otlp_json.to_protobuf(payload.signal, data)
    try:
        request = messages.REQUESTS[payload.signal].FromString(data)
    except DecodeError:
        name = messages.OFFICIAL[payload.signal].DESCRIPTOR.name
        raise BadMessage("bad_protobuf", f"the bytes are not a protobuf {name}") from None
    if bad_rows.repeated_bytes(payload.signal, request) > bad_rows.expansion_limit_bytes(len(payload.data)):
        raise BadMessage(bad_rows.TOO_LARGE, bad_rows.TOO_LARGE_TEXT)
    return request, data


def _is_utf8(signal: Signal, data: bytes) -> bool:
    try:
        messages.OFFICIAL[signal].FromString(data)
    except DecodeError:
        return False
    return True


def _items(request: Any, source: Source) -> Iterator[_Item]:
    """Everything in the request that should become a row, in wire order."""
    signal = source.signal
    for resource in getattr(request, messages.RESOURCES[signal]):
        above = Level("resource", resource, resource.resource, source)
        for scope in getattr(resource, messages.SCOPES[signal]):
            context = Context(source, above, Level("scope", scope, scope.scope, source))
            yield from _ITEMS[signal](context)


def _spans(context: Context) -> Iterator[_Item]:
    for span in context.scope.outer.spans:
        yield _plain_item(context, span, plain_spans)


def _log_records(context: Context) -> Iterator[_Item]:
    for record in context.scope.outer.log_records:
        yield _plain_item(context, record, plain_logs)


def _plain_item(context: Context, message: Any, plain: Any) -> _Item:
    return _Item(
        check=lambda: plain.check(message, context.source),
        row=lambda: plain.row(message, context),
        request=lambda: _alone(context, message),
        parts=(message,),
        context=context,
    )


def _points(context: Context) -> Iterator[_Item]:
    for metric in context.scope.outer.metrics:
        kind = metric.WhichOneof("data")
        if kind is None:
            continue  # a metric without data has no points, so nothing is lost
        header = plain_points.metric_columns(metric, kind, context.source)
        for point in getattr(metric, kind).data_points:
            yield _point_item(context, metric, kind, header, point)


def _point_item(context: Context, metric: Any, kind: str, header: Row, point: Any) -> _Item:
    return _Item(
        check=lambda: plain_points.check(point, kind, context.source),
        row=lambda: plain_points.row(point, kind, header, context),
        request=lambda: _alone(context, bad_rows.single_point(metric, kind, point)),
        parts=(point, metric),
        context=context,
    )


def _alone(context: Context, item: Any) -> bytes:
    return bad_rows.single_row_request(context.source.signal, context.resource.outer, context.scope.outer, item)


_ITEMS: dict[Signal, Callable[[Context], Iterator[_Item]]] = {
    "traces": _spans,
    "logs": _log_records,
    "metrics": _points,
}
