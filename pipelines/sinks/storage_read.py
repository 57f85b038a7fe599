"""Columns of a BigQuery table by the Storage Read API: no query job, no slots."""

import os
from collections.abc import Collection

import grpc
import pyarrow as pa
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from pipelines.errors import without_credentials
from pipelines.sinks.storage_write import CALL_SECONDS, CHANNEL, HOST_VARIABLE, refused


def payload_ids(dataset: str, condition: str) -> Collection[str]:
    """Distinct payload ids of ledger entries for which a SQL condition holds; `dataset` is PROJECT.NAME.

    Raises RunError.
    """
    project, _, name = dataset.rpartition(".")
    table = f"projects/{project}/datasets/{name}/tables/ingest_ledger"
    options = types.ReadSession.TableReadOptions(selected_fields=["payload_id"], row_restriction=condition)
    session = types.ReadSession(table=table, data_format=types.DataFormat.ARROW, read_options=options)
    client = _client()
    found: set[str] = set()
    try:
        opened = client.create_read_session(
            parent=f"projects/{project}", read_session=session, max_stream_count=1, timeout=CALL_SECONDS
        )
        schema = pa.ipc.read_schema(pa.py_buffer(opened.arrow_schema.serialized_schema))
        for stream in opened.streams:
            for answer in client.read_rows(stream.name, timeout=CALL_SECONDS):
                rows = pa.ipc.read_record_batch(pa.py_buffer(answer.arrow_record_batch.serialized_record_batch), schema)
                found.update(map(str, rows.column("payload_id").to_pylist()))
    except exceptions.GoogleAPICallError as error:
        raise refused(error, table) from None
    finally:
        client.transport.close()
    return found


def _client() -> BigQueryReadClient:
    if host := os.environ.get(HOST_VARIABLE):
        return BigQueryReadClient(
            transport=BigQueryReadGrpcTransport(channel=grpc.insecure_channel(host, options=CHANNEL))
        )
    try:
        return BigQueryReadClient()
    except DefaultCredentialsError:
        raise without_credentials(HOST_VARIABLE) from None
