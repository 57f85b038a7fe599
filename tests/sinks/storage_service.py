"""BigQuery's Storage Write and Read API over real gRPC, with tables in memory, and faults when a test asks for them.

It stands in for BigQuery, which cannot be had here; google-cloud-bigquery-storage is the client on the other end. Its
rules are those of storage.proto: offsets, row errors, REQUIRED columns, requests of 10 MB, streams that end, columns
that are told when a stream is made and when they change, and refused when the table lacks them.
"""

import itertools
import operator
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.compute as pc
from google.cloud.bigquery_storage_v1 import types
from google.rpc import code_pb2

from pipelines import tables

REQUEST_BYTES = 10_000_000
REFUSED = "Invalid TIMESTAMP value in a row"
_PENDING = types.WriteStream.Type.PENDING
_ERRORS = types.StorageError.StorageErrorCode
_TYPES = types.TableFieldSchema.Type
_KIND = {"INT64": _TYPES.INT64, "FLOAT64": _TYPES.DOUBLE, "RECORD": _TYPES.STRUCT}


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one call: `code` comes instead of an answer, before the call has its effect or after it.

    With `in_answer`, the error stands in the answer to a request of rows, and the connection goes on. A fault without a
    code is silence: the answer comes after `seconds`.
    """

    code: grpc.StatusCode | None = None
    is_after: bool = False
    in_answer: bool = False
    seconds: float = 0.0


Faults = Callable[[str], Fault | None]


def no_faults(method: str) -> None:
    """Of every call."""


@dataclass
class Table:
    """Fields as in schemas/, and the rows that show; the next `old_appends` appends do not know the last field yet."""

    fields: list[dict[str, Any]]
    old_appends: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)


@dataclass
class Stream:
    """A PENDING stream: what it holds, and what has been done to it."""

    table: str
    batches: list[pa.RecordBatch] = field(default_factory=list)
    is_final: bool = False
    is_committed: bool = False

    @property
    def row_count(self) -> int:
        return sum(batch.num_rows for batch in self.batches)


class StorageService:
    """The tables of schemas/ in one dataset. `faults(method)` is asked at every call, `is_refused(row)` at every row of
    a request that comes with a `name` or `body`."""

    def __init__(self, dataset: str = "projects/shop/datasets/observability") -> None:
        self._dataset = dataset
        self.tables = {name: Table([*tables.table(name)["schema"]["fields"]]) for name in tables.TABLES}
        self.streams: dict[str, Stream] = {}
        self.faults: Faults = no_faults
        self.keeps_rows = True  # else they are checked and forgotten
        self.refused_text = ""  # rows whose name or body starts so are refused
        self.calls: dict[str, int] = defaultdict(int)
        self.largest_request_bytes = 0
        self._numbers = itertools.count()
        self._lock = threading.RLock()

    def rows(self, table: str) -> pa.Table:
        """What a reader of the table sees."""
        with self._lock:
            schema = pa.schema([tables._arrow_field(each) for each in self.tables[table].fields])
            return pa.Table.from_batches([_filled(batch, schema) for batch in self.tables[table].batches], schema)

    def get_write_stream(self, request: Any, context: grpc.ServicerContext) -> Any:
        table = self._table(request.name.partition("/streams/")[0], context)
        answer = types.WriteStream.pb()(name=request.name, type_=types.WriteStream.Type.COMMITTED)
        if request.view == types.WriteStreamView.FULL:
            _tell(table.fields, answer.table_schema.fields)
        return answer

    def create_write_stream(self, request: Any, context: grpc.ServicerContext) -> Any:
        table = self._table(request.parent, context)
        name = f"{request.parent}/streams/s{next(self._numbers)}"
        self.streams[name] = Stream(request.parent.rsplit("/", 1)[1])
        answer = types.WriteStream.pb()(name=name, type_=request.write_stream.type_)
        _tell(table.fields, answer.table_schema.fields)
        return answer

    def finalize_write_stream(self, request: Any, context: grpc.ServicerContext) -> Any:
        stream = self._stream(request.name, context)
        stream.is_final = True
        return types.FinalizeWriteStreamResponse.pb()(row_count=stream.row_count)

    def batch_commit_write_streams(self, request: Any, context: grpc.ServicerContext) -> Any:
        answer = types.BatchCommitWriteStreamsResponse.pb()()
        with self._lock:
            streams = {name: self._stream(name, context) for name in request.write_streams}
            for name, stream in streams.items():
                if stream.is_committed:
                    answer.stream_errors.add(code=_ERRORS.STREAM_ALREADY_COMMITTED, entity=name)
                elif not stream.is_final:
                    answer.stream_errors.add(code=_ERRORS.INVALID_STREAM_STATE, entity=name)
            if not answer.stream_errors:
                for stream in streams.values():
                    stream.is_committed = True
                    self.tables[stream.table].batches += stream.batches
                answer.commit_time.GetCurrentTime()
        return answer

    def append_rows(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        name, schema, known = "", None, None
        for request in requests:
            name = request.write_stream or name
            fields = [*self._table(name.partition("/streams/")[0], context).fields]
            known = known or fields
            if encoded := request.arrow_rows.writer_schema.serialized_schema:
                schema = pa.ipc.read_schema(pa.py_buffer(encoded))
            fault = self._asked("append_rows", context)
            answer = types.AppendRowsResponse.pb()(write_stream=name)
            if not (fault and fault.in_answer and not fault.is_after):
                self._append(name, schema, request, answer, context)
            if fault and fault.in_answer and fault.code:
                answer = types.AppendRowsResponse.pb()(write_stream=name)
                answer.error.code, answer.error.message = fault.code.value[0], "fault"
            elif fault:
                _fail(fault, context)
            elif fields != known:
                _tell(fields, answer.updated_schema.fields)
                known = fields
            yield answer

    def create_read_session(self, request: Any, context: grpc.ServicerContext) -> Any:
        session = request.read_session
        self._table(session.table, context)
        self._selected = list(session.read_options.selected_fields)
        answer = types.ReadSession.pb()(name="session")
        columns = [tables.arrow_schema("ingest_ledger").field(name) for name in self._selected]
        answer.arrow_schema.serialized_schema = pa.schema(columns).serialize().to_pybytes()
        answer.streams.add(name=session.table)
        return answer

    def read_rows(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        rows = self.rows(request.read_stream.rsplit("/", 1)[1]).select(self._selected)
        for batch in rows.slice(request.offset).to_batches():
            answer = types.ReadRowsResponse.pb()(row_count=batch.num_rows)
            answer.arrow_record_batch.serialized_record_batch = batch.serialize().to_pybytes()
            yield answer

    def _append(self, name: str, schema: Any, request: Any, answer: Any, context: grpc.ServicerContext) -> None:
        """Writes the rows of a request, or says in the answer why not."""
        table = self._table(name.partition("/streams/")[0], context)
        self.largest_request_bytes = max(self.largest_request_bytes, request.ByteSize())
        rows = pa.ipc.read_record_batch(pa.py_buffer(request.arrow_rows.rows.serialized_record_batch), schema)
        if request.ByteSize() > REQUEST_BYTES:
            _say(answer, code_pb2.INVALID_ARGUMENT, f"AppendRows request too large: {request.ByteSize()}")
        elif extra := self._extra(table, rows.schema):
            _say(answer, code_pb2.INVALID_ARGUMENT, f"Input schema has more fields than BigQuery schema: {extra}")
            told = types.StorageError.pb()(code=_ERRORS.SCHEMA_MISMATCH_EXTRA_FIELDS, entity=name)
            answer.error.details.add().Pack(told)
        elif any(pa.types.is_dictionary(kind) for kind in rows.schema.types):
            _say(answer, code_pb2.INVALID_ARGUMENT, "dictionary columns")
        elif errors := self._row_errors(table, rows):
            for index, text in errors.items():
                answer.row_errors.add(index=index, code=types.RowError.RowErrorCode.FIELDS_ERROR, message=text)
            _say(answer, code_pb2.INVALID_ARGUMENT, "Errors found while processing rows")
        else:
            with self._lock:
                self._keep(name, rows, request, answer, context)

    def _keep(self, name: str, rows: Any, request: Any, answer: Any, context: grpc.ServicerContext) -> None:
        if name.endswith("/_default"):
            self.tables[name.split("/")[-3]].batches += [rows] * self.keeps_rows
            return
        stream = self._stream(name, context)
        if stream.is_final:
            _say(answer, code_pb2.INVALID_ARGUMENT, "stream is finalized")
        elif request.HasField("offset") and request.offset.value != stream.row_count:
            is_behind = request.offset.value < stream.row_count
            code = code_pb2.ALREADY_EXISTS if is_behind else code_pb2.OUT_OF_RANGE
            _say(answer, code, f"expected offset {stream.row_count}, received {request.offset.value}")
        else:
            answer.append_result.offset.value = stream.row_count
            stream.batches.append(rows)

    def _extra(self, table: Table, sent: pa.Schema) -> list[str]:
        """Columns of a request that the table lacks, or does not know yet where rows are taken."""
        known = table.fields
        if table.old_appends:
            table.old_appends, known = table.old_appends - 1, known[:-1]
        return sorted({*_paths(sent)} - {*_paths(pa.schema([tables._arrow_field(each) for each in known]))})

    def _row_errors(self, table: Table, rows: pa.RecordBatch) -> dict[int, str]:
        errors: dict[int, str] = {}
        for each in table.fields:
            if each["mode"] == "REQUIRED" and (each["name"] not in rows.schema.names or rows[each["name"]].null_count):
                errors |= dict.fromkeys(range(rows.num_rows), f"Missing required field: {each['name']}.")
        if self.refused_text:
            for column in {"name", "body"} & set(rows.schema.names):
                is_refused = pc.starts_with(rows[column], self.refused_text).to_pylist()
                errors |= {i: REFUSED for i, refused in enumerate(is_refused) if refused}
        return errors

    def _table(self, path: str, context: grpc.ServicerContext) -> Table:
        dataset, _, name = path.partition("/tables/")
        if dataset != self._dataset or name not in self.tables:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Requested entity was not found: {path}")
        return self.tables[name]

    def _stream(self, name: str, context: grpc.ServicerContext) -> Stream:
        if name not in self.streams:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Requested entity was not found: {name}")
        return self.streams[name]

    def _asked(self, method: str, context: grpc.ServicerContext) -> Fault | None:
        """What is to go wrong with this call; fails at once when that is before its effect."""
        with self._lock:
            self.calls[method] += 1
            fault = self.faults(method)
        if fault and not fault.is_after and not fault.in_answer:
            _fail(fault, context)
            return None
        return fault

    def unary(self, method: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        """A method as gRPC calls it, with its faults."""
        answer = getattr(self, method)

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            fault = self._asked(method, context)
            done = answer(request, context)
            if fault:
                _fail(fault, context)
            return done

        return call


def _fail(fault: Fault, context: grpc.ServicerContext) -> None:
    if fault.seconds:
        time.sleep(fault.seconds)
    if fault.code:
        context.abort(fault.code, "fault")


def _tell(fields: list[dict[str, Any]], told: Any) -> None:
    for each in fields:
        kind = _KIND.get(each["type"]) or _TYPES[each["type"]]
        column = told.add(name=each["name"], type_=kind, mode=types.TableFieldSchema.Mode[each["mode"]])
        _tell(each.get("fields", []), column.fields)


def _paths(fields: Iterable[Any], above: str = "") -> Iterator[str]:
    """Names of columns, nested ones as `a.b`."""
    for each in fields:
        yield f"{above}{each.name}"
        kind = each.type.value_type if pa.types.is_list(each.type) else each.type
        if pa.types.is_struct(kind):
            yield from _paths(kind, f"{above}{each.name}.")


def _filled(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Rows with NULL in the columns that they came without."""
    return pa.RecordBatch.from_arrays(
        [
            batch.column(each.name).cast(each.type)
            if each.name in batch.schema.names
            else pa.nulls(batch.num_rows, each.type)
            for each in schema
        ],
        schema=schema,
    )


def _say(answer: Any, code: int, text: str) -> None:
    answer.error.code, answer.error.message = code, text


@contextmanager
def served(service: StorageService) -> Iterator[str]:
    """The service on loopback; yields HOST:PORT."""
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", -1)])
    encode = operator.methodcaller("SerializeToString")
    write = {
        "GetWriteStream": types.GetWriteStreamRequest,
        "CreateWriteStream": types.CreateWriteStreamRequest,
        "FinalizeWriteStream": types.FinalizeWriteStreamRequest,
        "BatchCommitWriteStreams": types.BatchCommitWriteStreamsRequest,
    }
    writers: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(service.unary(_snake(name)), request.pb().FromString, encode)
        for name, request in write.items()
    }
    append = types.AppendRowsRequest.pb().FromString
    writers["AppendRows"] = grpc.stream_stream_rpc_method_handler(service.append_rows, append, encode)
    session, read = types.CreateReadSessionRequest.pb().FromString, types.ReadRowsRequest.pb().FromString
    readers = {
        "CreateReadSession": grpc.unary_unary_rpc_method_handler(service.unary("create_read_session"), session, encode),
        "ReadRows": grpc.unary_stream_rpc_method_handler(service.read_rows, read, encode),
    }
    place = "google.cloud.bigquery.storage.v1.BigQuery"
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(f"{place}Write", writers),
            grpc.method_handlers_generic_handler(f"{place}Read", readers),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
