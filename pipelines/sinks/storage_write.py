"""Arrow rows → BigQuery by the Storage Write API: requests that fit, retries, and what BigQuery's answers mean.

A PENDING stream is written once and never mended: when something goes wrong meanwhile, the rows go to a new one, and a
stream that is not committed shows nothing. Its end and its commit are repeated until BigQuery says that they happened.
Source: cloud.google.com/bigquery/docs/write-api, google/cloud/bigquery/storage/v1/storage.proto.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import Any, Final, Self, cast

import grpc
import pyarrow as pa
from google.api_core import exceptions, grpc_helpers
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.bigquery_storage_v1 import types
from google.cloud.bigquery_storage_v1.services.big_query_write import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

from pipelines import tables
from pipelines.errors import RunError, without_credentials
from pipelines.payloads import SIGNALS
from pipelines.sinks import RefusedRow
from pipelines.sinks.storage_columns import ExtraFields, Lacking, is_extra_fields, narrowed

HOST_VARIABLE: Final = "BIGQUERY_STORAGE_EMULATOR_HOST"
REQUEST_BYTES = 7_000_000  # of rows; BigQuery takes 10 MB, and counts more than the rows
FILL_RATIO = 0.9  # on average; a request that would be too large is halved, and costs more
CALL_SECONDS = 60.0
WRITER: Final = "roles/bigquery.dataEditor on the dataset"
GIVE_UP_SECONDS = 180.0
# gRPC's own limits are for small messages
CHANNEL = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))

_PASSING = (
    exceptions.Aborted,
    exceptions.AlreadyExists,  # of an offset: the stream is given up, not guessed about
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    ExtraFields,  # a column that was added some seconds ago
    exceptions.InternalServerError,
    exceptions.OutOfRange,  # of an offset, likewise
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
)
_APPEND_ROWS = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows"
_Request, _RecordBatch = types.AppendRowsRequest.pb(), types.ArrowRecordBatch.pb()
_DONE = types.StorageError.StorageErrorCode.STREAM_ALREADY_COMMITTED
_NO_ANSWER: Final = (
    "try again later; can this machine reach bigquerystorage.googleapis.com, or the emulator that "
    f"{HOST_VARIABLE} names?"
)
_CURES: dict[type[Exception], str] = {
    exceptions.NotFound: "make it: otelmart init --to bigquery:PROJECT.DATASET",
    exceptions.Unauthenticated: "renew the credentials: gcloud auth application-default login",
    exceptions.ResourceExhausted: "a quota of the project is used up: see IAM & Admin → Quotas, BigQuery Storage",
    exceptions.InvalidArgument: "compare it with schemas/: otelmart init --dry-run --to bigquery:PROJECT.DATASET",
    exceptions.ServiceUnavailable: _NO_ANSWER,
    exceptions.DeadlineExceeded: _NO_ANSWER,
}


class Refused(Exception):
    """BigQuery does not take some rows; nothing of their request was written."""

    def __init__(self, rows: Sequence[RefusedRow]) -> None:
        super().__init__(f"{len(rows)} rows refused")
        self.rows = tuple(rows)


@dataclass(frozen=True, slots=True)
class StorageWrite:
    """Writes to the tables of one dataset, `projects/P/datasets/D`. One call to BigQuery may take `call_seconds`; what
    it answers with an error that passes is tried again, after growing pauses, for `give_up_seconds`."""

    client: BigQueryWriteClient
    dataset: str
    call_seconds: float
    give_up_seconds: float
    lacking: Lacking = field(default_factory=Lacking)

    def pending(self, table: str, batches: Sequence[pa.RecordBatch]) -> str:
        """Writes rows to a PENDING stream and finalizes it; returns its name, for `commit`.

        Raises Refused, or RunError when BigQuery cannot take rows at all; neither leaves anything to see.
        """
        stream: str = self._until_taken(table, partial(self._written_once, table, batches))
        self._until_taken(table, partial(self._finalize_once, stream, batches))
        return stream

    def commit(self, table: str, stream: str) -> None:
        """Shows the rows of a finalized stream, all at once. Raises RunError: they may show or not."""
        self._until_taken(table, partial(self._commit_once, table, stream))

    def append(self, table: str, batches: Sequence[pa.RecordBatch]) -> None:
        """Writes rows to the table's default stream, where they show at once; a retry may write some twice.

        Raises Refused or RunError: what went before in the same call may show.
        """
        taken_rows: list[int] = []  # of each request
        self._until_taken(table, partial(self._append_once, table, batches, taken_rows))

    def columns(self, table: str) -> dict[str, tuple[str, str]]:
        """{column: (type, mode)} as BigQuery has them. Raises RunError when the table cannot be written."""
        found = self._until_taken(table, partial(self._looked_at, table))
        return {column.name: (column.type_.name, column.mode.name) for column in found}

    def close(self) -> None:
        self.client.transport.close()

    def _written_once(self, table: str, batches: Sequence[pa.RecordBatch]) -> str:
        made = self.client.create_write_stream(
            parent=self._path(table),
            write_stream=types.WriteStream(type_=types.WriteStream.Type.PENDING),
            retry=None,
            timeout=self.call_seconds,
        )
        self.lacking.tell(table, types.WriteStream.pb(made).table_schema.fields)
        stream: str = made.name
        _check_count(stream, sum(self._taken(table, stream, batches, has_offsets=True)), batches)
        return stream

    def _finalize_once(self, stream: str, batches: Sequence[pa.RecordBatch]) -> None:
        done = self.client.finalize_write_stream(name=stream, retry=None, timeout=self.call_seconds)
        _check_count(stream, done.row_count, batches)

    def _append_once(self, table: str, batches: Sequence[pa.RecordBatch], taken_rows: list[int]) -> None:
        if self.lacking.is_due(table):
            self._looked_at(table)
        for row_count in self._taken(table, self._default(table), batches, first=len(taken_rows)):
            taken_rows.append(row_count)
        _check_count(self._default(table), sum(taken_rows), batches)

    def _looked_at(self, table: str) -> Any:
        """The columns of a table as BigQuery has them now."""
        request = types.GetWriteStreamRequest(name=self._default(table), view=types.WriteStreamView.FULL)
        found = self.client.get_write_stream(request=request, retry=None, timeout=self.call_seconds).table_schema.fields
        self.lacking.tell(table, found)
        return found

    def _commit_once(self, table: str, stream: str) -> None:
        answer = self.client.batch_commit_write_streams(
            request={"parent": self._path(table), "write_streams": [stream]}, retry=None, timeout=self.call_seconds
        )
        for error in answer.stream_errors:
            if error.code != _DONE:
                raise exceptions.FailedPrecondition(f"{stream} was not committed: {error.error_message}")

    def _taken(
        self, table: str, stream: str, batches: Sequence[pa.RecordBatch], *, first: int = 0, has_offsets: bool = False
    ) -> Iterator[int]:
        """Sends requests from number `first` on over one connection; yields the row count of each as it is taken."""
        schema = narrowed(_filled(table, batches), self.lacking.of(table))
        sending = _Sending(stream, islice(requests_of(table, batches), first, None), schema, has_offsets)
        opening = next(sending, None)
        if opening is not None:  # the client waits for an answer before it looks at what it may send
            answers: Any = self._append_rows()(
                chain([opening], sending),
                timeout=self.call_seconds,
                metadata=[("x-goog-request-params", f"write_stream={stream}")],
            )
            try:
                for number, answer in enumerate(answers):
                    if answer.row_errors:
                        rows = next(islice(requests_of(table, batches), first + number, None))
                        raise Refused([_refused(table, rows, each.index, each.message) for each in answer.row_errors])
                    if answer.error.code:
                        details = list(answer.error.details)
                        raise exceptions.from_grpc_status(answer.error.code, answer.error.message, details=details)
                    if answer.updated_schema.fields:
                        self.lacking.expire(table)
                    yield sending.row_counts[number]
            except exceptions.InvalidArgument as error:
                if not is_extra_fields(error):
                    raise
                self._looked_at(table)
                raise ExtraFields(error.message) from None  # type: ignore[no-untyped-call]
            finally:
                answers.cancel()
        if sending.refused:
            raise sending.refused

    def _append_rows(self) -> Callable[..., Any]:
        """The client's append_rows, of requests that are bytes already."""
        channel: grpc.Channel = cast(BigQueryWriteGrpcTransport, self.client.transport).grpc_channel
        call = channel.stream_stream(_APPEND_ROWS, response_deserializer=types.AppendRowsResponse.deserialize)
        return cast(Callable[..., Any], grpc_helpers.wrap_errors(call))

    def _until_taken(self, table: str, call: Callable[[], Any]) -> Any:
        """What the call returns, once BigQuery does what it asks."""
        retry = Retry(
            if_exception_type(*_PASSING), initial=0.25, maximum=20.0, multiplier=2.0, timeout=self.give_up_seconds
        )
        try:
            return retry(call)()
        except exceptions.RetryError as error:
            raise refused(error.cause, f"{self._path(table)} for {self.give_up_seconds:.0f} s") from None
        except exceptions.GoogleAPICallError as error:
            raise refused(error, self._path(table)) from None

    def _path(self, table: str) -> str:
        return f"{self.dataset}/tables/{table}"

    def _default(self, table: str) -> str:
        return f"{self._path(table)}/streams/_default"


class _Sending:
    """Requests as gRPC's thread asks for them, with the rows of each, and the row that fits none.

    They are serialized here, which copies rows once; a message of the library would copy them three times.
    """

    def __init__(self, stream: str, batches: Iterator[pa.RecordBatch], schema: pa.Schema, has_offsets: bool) -> None:
        self._stream, self._batches, self._schema, self._has_offsets = stream, batches, schema, has_offsets
        self.row_counts: list[int] = []
        self.refused: Refused | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            rows = next(self._batches)
        except Refused as refused:
            self.refused = refused
            raise StopIteration from None
        if rows.schema != self._schema:
            rows = rows.select(self._schema.names).cast(self._schema)
        request, arrow_rows = _Request(), _Request.ArrowData()
        if not self.row_counts:
            request.write_stream = self._stream
            arrow_rows.writer_schema.serialized_schema = rows.schema.serialize().to_pybytes()
        if self._has_offsets:
            request.offset.value = sum(self.row_counts)
        self.row_counts.append(rows.num_rows)
        batch = _held(_RecordBatch, "serialized_record_batch", [rows.serialize()])
        held = _held(_Request.ArrowData, "rows", batch)
        return b"".join(
            [request.SerializeToString(), *_held(_Request, "arrow_rows", [arrow_rows.SerializeToString(), *held])]
        )


def _held(message: Any, field_name: str, parts: Sequence[bytes | pa.Buffer]) -> list[bytes | pa.Buffer]:
    """Bytes, in parts, as what a field of a message holds: protobuf's tag and length before them.

    Source: protobuf.dev/programming-guides/encoding, LEN records.
    """
    tag = message.DESCRIPTOR.fields_by_name[field_name].number << 3 | 2
    return [_varint(tag) + _varint(sum(map(len, parts))), *parts]


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def requests_of(table: str, batches: Sequence[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows as BigQuery wants them: without dictionaries and columns that are NULL in all rows, `REQUEST_BYTES` at a
    time; the same cuts whenever asked.

    Raises Refused at a row that is larger than that.
    """
    schema = _filled(table, batches)
    for batch in batches:
        rows = batch.select(schema.names).cast(schema)
        request_count = max(1, math.ceil(rows.nbytes / (REQUEST_BYTES * FILL_RATIO)))
        request_rows = math.ceil(rows.num_rows / request_count)
        start = 0
        while start < rows.num_rows:
            part = rows.slice(start, request_rows)
            while part.nbytes > REQUEST_BYTES and part.num_rows > 1:
                part = part.slice(0, part.num_rows // 2)
            if part.nbytes > REQUEST_BYTES:
                text = f"the row takes {part.nbytes} bytes, more than the {REQUEST_BYTES} that are sent at once"
                raise Refused([_refused(table, part, 0, text)])
            yield part
            start += part.num_rows


def _filled(table: str, batches: Sequence[pa.RecordBatch]) -> pa.Schema:
    """Columns with a value in some row, and REQUIRED ones; BigQuery takes what is not sent for NULL.

    Source: storage.proto, missing_value_interpretations.
    """
    required = {each["name"] for each in tables.table(table)["schema"]["fields"] if each["mode"] == "REQUIRED"}
    return pa.schema(
        [
            each
            for each in tables.arrow_schema(table)
            if each.name in required or any(rows[each.name].null_count < rows.num_rows for rows in batches)
        ]
    )


def storage_write(dataset: str) -> StorageWrite:
    """Of a dataset `PROJECT.NAME`; of the emulator when BIGQUERY_STORAGE_EMULATOR_HOST is set.

    Raises RunError without credentials.
    """
    project, _, name = dataset.rpartition(".")
    client = client_of(BigQueryWriteClient, BigQueryWriteGrpcTransport)
    return StorageWrite(client, f"projects/{project}/datasets/{name}", CALL_SECONDS, GIVE_UP_SECONDS)


def client_of(kind: Callable[..., Any], transport: Callable[..., Any]) -> Any:
    """A client of one of the Storage APIs; of the emulator when BIGQUERY_STORAGE_EMULATOR_HOST is set."""
    if host := os.environ.get(HOST_VARIABLE):
        return kind(transport=transport(channel=grpc.insecure_channel(host, options=CHANNEL)))
    try:
        return kind()
    except DefaultCredentialsError:
        raise without_credentials(HOST_VARIABLE) from None


def refused(error: Exception, where: str, roles: str = WRITER) -> RunError:
    """What BigQuery refused, and the cure; `roles` are what the account needs."""
    text = (getattr(error, "message", None) or str(error)).splitlines()[0]
    cures = _CURES | {exceptions.PermissionDenied: f"grant {roles} to this account"}
    cure = next((cure for kind, cure in cures.items() if isinstance(error, kind)), "try again later")
    return RunError(f"BigQuery refuses {where}: {type(error).__name__}: {text}: {cure}")


def _check_count(stream: str, row_count: int, batches: Sequence[pa.RecordBatch]) -> None:
    """Raises Aborted, which is tried again, when a connection ended early without an error."""
    if row_count != (wanted := sum(batch.num_rows for batch in batches)):
        raise exceptions.Aborted(f"{stream} took {row_count} rows of {wanted}")


def _refused(table: str, rows: pa.RecordBatch, index: int, text: str) -> RefusedRow:
    if table not in SIGNALS:  # no telemetry, but what otelmart writes about it
        raise RunError(f"BigQuery refuses a row of {table}: {text}: {_CURES[exceptions.InvalidArgument]}")
    payload_id, ordinal = (rows.column(name)[index].as_py() for name in ("payload_id", "row_ordinal"))
    return RefusedRow(table, payload_id, ordinal, text)
