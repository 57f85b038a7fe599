"""OTLP request bytes → nested Arrow arrays, by a Rust parser over a run-time description of OTLP.

The description is the official one with two substitutions, so that it cannot drift and stays wire-compatible: every
`string` is `bytes` (bad UTF-8 cannot fail a message) and every KeyValue and AnyValue stays raw bytes (no recursion).
To judge requests, fields that no row is refused for are left out of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from ptars import HandlerPool

from pipelines.decode import messages
from pipelines.payloads import Signal

Int32s = npt.NDArray[np.int32]
Arrow = Any  # an Arrow array; docstrings say of what, the type stubs know no nested ones

_COMMON = ".opentelemetry.proto.common.v1."
# The one singular AnyValue outside KeyValue. Repeated, so that one sent in two pieces is seen, not half lost.
_REPEATED = {"LogRecord.body"}
# What rows of spans and records are refused for: to leave the rest out takes half the time. Of points it is much.
_JUDGED = {
    "Span": ("trace_id", "span_id", "parent_span_id", "start_time_unix_nano", "end_time_unix_nano"),
    "LogRecord": ("trace_id", "span_id", "time_unix_nano", "observed_time_unix_nano"),
}
_WIRE_TYPE, _START_GROUP = 7, 3
_MAX_BYTES = 2**31 - 1
_SAFE_GROUPS = 1 << 16  # the parser's stack of 8 MiB ends between 100,000 and 150,000 of them


class Unusual(ValueError):
    """Something in a list of requests that the kernel leaves to the plain decoder: bad bytes, or a rare form."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The messages of a list of requests, flattened: resources, scopes and items (spans, log records or metrics).

    Each is a struct array in wire order, with the offsets of its elements by parent: payload, resource, scope.
    """

    resources: Arrow
    scopes: Arrow
    items: Arrow
    resource_offsets: Int32s
    scope_offsets: Int32s
    item_offsets: Int32s


def read(signal: Signal, requests: Sequence[bytes]) -> Requests:
    """The messages of the requests. Raises Unusual if any of them is not protobuf: the parser does not say which."""
    _check_depth(signal, requests)
    return _flattened(signal, _record_batch(_handlers()[signal], _binary(requests)))


def read_judged(signal: Signal, requests: Sequence[bytes]) -> Requests:
    """The same of requests that the official parser has taken, items only with what their rows may be refused for."""
    return _flattened(signal, _record_batch(_handlers(is_judged=True)[signal], _binary(requests)))


def _flattened(signal: Signal, batch: Arrow) -> Requests:
    resources = batch.column(0)
    scopes = resources.values.field(messages.SCOPES[signal])
    items = scopes.values.field(messages.ITEMS[signal])
    return Requests(resources.values, scopes.values, items.values, offsets(resources), offsets(scopes), offsets(items))


def offsets(array: Arrow) -> Int32s:
    """Offsets of a list, binary or string array into its values or data; one more than it has elements."""
    if not len(array):
        return np.zeros(1, np.int32)
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)


def elements(message: str, encoded: Arrow) -> Arrow:
    """Raw elements of each ArrayValue or KeyValueList of a binary array that was found in requests. Raises Unusual for
    bad bytes."""
    return _record_batch(_handlers()[message], encoded).column("values")


def _binary(elements: Sequence[bytes]) -> Arrow:
    """Binary array of the elements, by one copy."""
    ends = list(accumulate(map(len, elements), initial=0))
    if ends[-1] > _MAX_BYTES:
        raise Unusual("more than a binary array holds")
    buffers = [None, pa.py_buffer(np.array(ends, np.int32).data), pa.py_buffer(b"".join(elements))]
    return pa.Array.from_buffers(pa.binary(), len(elements), buffers)


def _record_batch(handler: Any, encoded: Arrow) -> Arrow:
    try:
        return handler.array_to_record_batch(encoded)
    except ValueError as error:
        raise Unusual("not protobuf") from error
    except BaseException as error:
        # A length near 2^64 panics in Rust, and pyo3's PanicException is not an Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise Unusual("parser panic") from None


def _check_depth(signal: Signal, requests: Sequence[bytes]) -> None:
    """Raises Unusual where groups inside groups could end the process: the parser takes them by recursion, unlimited.

    Counting the bytes that may open one takes 2 % of decoding, parsing as protobuf (to 100 levels) some 20 %.
    """
    scratch = np.empty(max(map(len, requests), default=0), np.uint8)  # one for all: new pages cost more than counting
    for request in requests:
        if len(request) >= _SAFE_GROUPS and _may_start(request, scratch) >= _SAFE_GROUPS:
            try:
                messages.OFFICIAL[signal].FromString(request)
            except DecodeError:
                raise Unusual("deep groups") from None


def _may_start(request: bytes, scratch: npt.NDArray[np.uint8]) -> int:
    """How many bytes could be the tag of a group."""
    wire_types = np.bitwise_and(np.frombuffer(request, np.uint8), _WIRE_TYPE, out=scratch[: len(request)])
    return int(np.count_nonzero(np.equal(wire_types, _START_GROUP, out=wire_types.view(bool))))


@cache
def _handlers(is_judged: bool = False) -> dict[Any, Any]:
    """Parsers by signal, and of the messages that hold AnyValues by their name."""
    pool = DescriptorPool()
    requests = {signal: official.DESCRIPTOR for signal, official in messages.OFFICIAL.items()}
    files = {file.name: file for request in requests.values() for file in _dependencies(request.file)}
    for file in files.values():
        pool.AddSerializedFile(_without_strings(file, _JUDGED if is_judged else {}).SerializeToString())
    handlers = HandlerPool([pool.FindFileByName(name) for name in files])
    names: dict[Any, str] = {signal: request.full_name for signal, request in requests.items()}
    names |= {name: f"{_COMMON[1:]}{name}" for name in ("ArrayValue", "KeyValueList")}
    return {of: handlers.get_for_message(pool.FindMessageTypeByName(name)) for of, name in names.items()}


def _dependencies(file: FileDescriptor) -> Iterator[FileDescriptor]:
    for dependency in file.dependencies:
        yield from _dependencies(dependency)
    yield file


def _without_strings(file: FileDescriptor, only: Mapping[str, Collection[str]]) -> FileDescriptorProto:
    """`only` are the fields that messages keep, by the message's name."""
    described = FileDescriptorProto()
    file.CopyToProto(described)
    del described.service[:]
    for message in described.message_type:
        for field in [f for f in message.field if f.name not in only.get(message.name, (f.name,))]:
            message.field.remove(field)
        _substitute(message)
    return described


def _substitute(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type_name in (_COMMON + "KeyValue", _COMMON + "AnyValue"):
            field.ClearField("type_name")
            field.type = FieldDescriptorProto.TYPE_BYTES
        elif field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
        if f"{message.name}.{field.name}" in _REPEATED:
            field.label = FieldDescriptorProto.LABEL_REPEATED
    for nested in message.nested_type:
        _substitute(nested)
