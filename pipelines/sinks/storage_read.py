"""Columns of a BigQuery table by the Storage Read API: no query job, no slots."""

from collections.abc import Collection
from typing import Any

import pyarrow as pa
from google.api_core import exceptions
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from pipelines.sinks.storage_write import CALL_SECONDS, client_of, refused


def payload_ids(dataset: str, condition: str) -> Collection[str]:
    """Distinct payload ids of ledger entries for which a SQL condition holds, the latest received last; `dataset` is
    PROJECT.NAME. Raises RunError.
    """
    project, _, name = dataset.rpartition(".")
    table = f"projects/{project}/datasets/{name}/tables/ingest_ledger"
    options = types.ReadSession.TableReadOptions(
        selected_fields=["payload_id", "receive_time"], row_restriction=condition
    )
    session = types.ReadSession(table=table, data_format=types.DataFormat.ARROW, read_options=options)
    client = client_of(BigQueryReadClient, BigQueryReadGrpcTransport)
    found: dict[str, int] = {}
    try:
        opened = client.create_read_session(
            parent=f"projects/{project}", read_session=session, max_stream_count=1, timeout=CALL_SECONDS
        )
        schema = pa.ipc.read_schema(pa.py_buffer(opened.arrow_schema.serialized_schema))
        for stream in opened.streams:
            for answer in client.read_rows(stream.name):  # a whole ledger takes as long as it takes
                rows = pa.ipc.read_record_batch(pa.py_buffer(answer.arrow_record_batch.serialized_record_batch), schema)
                times: list[Any] = rows.column("receive_time").cast(pa.int64()).fill_null(0).to_pylist()
                for identity, time in zip(map(str, rows.column("payload_id").to_pylist()), times, strict=True):
                    found[identity] = max(time, found.get(identity, 0))
    except exceptions.GoogleAPIError as error:
        raise refused(error, table) from None
    finally:
        client.transport.close()
    return sorted(found, key=found.__getitem__)
