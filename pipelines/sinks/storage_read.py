"""Columns of a BigQuery table by the Storage Read API: no query job, no slots."""

from collections.abc import Collection, Generator, Mapping
from contextlib import closing
from typing import Any, Final

import pyarrow as pa
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from pipelines.sinks.storage_write import CALL_SECONDS, client_of, refused

READER: Final = "roles/bigquery.readSessionUser on the project and roles/bigquery.dataViewer on the dataset"


def payload_ids(dataset: str, condition: str) -> Collection[str]:
    """Distinct payload ids of ledger entries for which a SQL condition holds, the latest received last; `dataset` is
    PROJECT.NAME. Raises RunError.
    """
    found: dict[str, int] = {}
    whole: dict[str, Any] = {}  # a whole ledger takes as long as it takes
    for rows in _entries(dataset, condition, {"timeout": CALL_SECONDS}, whole):
        times: list[Any] = rows.column("receive_time").cast(pa.int64()).fill_null(0).to_pylist()
        for identity, time in zip(map(str, rows.column("payload_id").to_pylist()), times, strict=True):
            found[identity] = max(time, found.get(identity, 0))
    return sorted(found, key=found.__getitem__)


def try_to_read(dataset: str, condition: str, seconds: float) -> None:
    """Reads the first entries of what `payload_ids` reads; both of its calls may take `seconds`. Raises RunError."""
    again = if_exception_type(exceptions.DeadlineExceeded, exceptions.ServiceUnavailable)
    soon = {"timeout": seconds, "retry": Retry(again, initial=0.25, timeout=seconds)}
    with closing(_entries(dataset, condition, soon, soon)) as entries:
        next(entries, None)


def _entries(
    dataset: str, condition: str, opening: Mapping[str, Any], reading: Mapping[str, Any]
) -> Generator[pa.RecordBatch, None, None]:
    """Ledger entries for which a condition holds; the client is told of either call how long it may take."""
    project, _, name = dataset.rpartition(".")
    table = f"projects/{project}/datasets/{name}/tables/ingest_ledger"
    options = types.ReadSession.TableReadOptions(
        selected_fields=["payload_id", "receive_time"], row_restriction=condition
    )
    session = types.ReadSession(table=table, data_format=types.DataFormat.ARROW, read_options=options)
    client = client_of(BigQueryReadClient, BigQueryReadGrpcTransport)
    try:
        opened = client.create_read_session(
            parent=f"projects/{project}", read_session=session, max_stream_count=1, **opening
        )
        schema = pa.ipc.read_schema(pa.py_buffer(opened.arrow_schema.serialized_schema))
        for stream in opened.streams:
            for answer in client.read_rows(stream.name, **reading):
                batch = pa.py_buffer(answer.arrow_record_batch.serialized_record_batch)
                yield pa.ipc.read_record_batch(batch, schema)
    except exceptions.RetryError as error:
        raise refused(error.cause, table, READER) from None
    except exceptions.GoogleAPIError as error:
        raise refused(error, table, READER) from None
    finally:
        client.transport.close()
