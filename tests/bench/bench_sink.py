"""Rows → BigQuery, client side: the product's sink by both kinds of stream, and Beam's own sink for Python.

All write the same spans of the usual traffic to servers on loopback in a process of their own, which take them and
forget. CPU of this process a row, decoding left out. The floor is gRPC alone: the same requests, serialized before the
clock starts, on a stream of their own. Beam's sink is WriteToBigQuery by streaming inserts, on the same
engine, less the same pipeline without a sink; its Storage Write and file-load methods want Java or Cloud Storage.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

ROUNDS = 5
BEAM_ROWS = 5_000
HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2])]


def measure() -> dict[str, dict[str, object]]:
    """Ratios first: Beam's sink over ours; then µs a row."""
    import traffic

    from pipelines.decode import groups
    from pipelines.decode.rules import Rules
    from pipelines.payloads import Payload, payload_id
    from pipelines.sinks.storage_write import requests_of

    requests = traffic.trace_requests(52)
    received_us = 1_795_000_000_000_000
    payloads = [Payload("traces", data, "protobuf", payload_id(data), received_us, "bench") for data in requests]
    rows = groups.decode(payloads, Rules.load(b"bench")).rows
    with _served() as (grpc_host, http_host):
        os.environ["BIGQUERY_STORAGE_EMULATOR_HOST"] = grpc_host
        os.environ["BIGQUERY_EMULATOR_HOST"] = http_host
        calls = {"pending": _writing(rows, "pending"), "default": _writing(rows, "default")}
        calls["floor"] = _sending(rows, grpc_host)
        rounds = [{name: _cpu_us(call) / rows.num_rows for name, call in calls.items()} for _ in range(ROUNDS + 1)]
        beam = _beam_us(rows)
    middle = {name: statistics.median(each[name] for each in rounds[1:]) for name in calls}
    floor = middle.pop("floor")
    against = f"Beam's WriteToBigQuery, streaming inserts, {beam:.1f} us/row"
    row_bytes = sum(part.nbytes for part in requests_of("traces", [rows])) / rows.num_rows
    return {
        **{f"sink_{stream}_speedup": _figure(beam / us, "x", against) for stream, us in middle.items()},
        **{f"sink_{stream}_over_floor": _figure(us / floor, "x", "gRPC alone") for stream, us in middle.items()},
        "sink_floor": _figure(floor, "us/row", "gRPC alone, the same requests, serialized before"),
        **{f"sink_{stream}": _figure(us, "us/row", f"{row_bytes:,.0f} B/row as sent") for stream, us in middle.items()},
    }


def _figure(value: float, unit: str, against: str) -> dict[str, object]:
    return {"value": value, "unit": unit, "against": against}


def _writing(rows: Any, stream: str) -> Callable[[], None]:
    from pipelines.sinks.bigquery import bigquery

    sink = bigquery(f"shop.observability?stream={stream}")

    def write() -> None:
        writing = sink.begin("unit")
        writing.add("traces", date(2026, 11, 18), rows)
        assert not writing.publish()

    return write


def _sending(rows: Any, host: str) -> Callable[[], None]:
    import grpc
    from google.cloud.bigquery_storage_v1 import types

    from pipelines.sinks.storage_write import CHANNEL, requests_of

    stream = "projects/shop/datasets/observability/tables/traces/streams/_default"
    parts = list(requests_of("traces", [rows]))
    arrow_schema = {"serialized_schema": parts[0].schema.serialize().to_pybytes()}
    requests = [
        types.AppendRowsRequest.serialize(
            types.AppendRowsRequest(
                write_stream=stream,
                arrow_rows={
                    "writer_schema": arrow_schema,
                    "rows": {"serialized_record_batch": part.serialize().to_pybytes()},
                },
            )
        )
        for part in parts
    ]
    append_rows = grpc.insecure_channel(host, options=CHANNEL).stream_stream(
        "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows",
        response_deserializer=types.AppendRowsResponse.deserialize,
    )

    def send() -> None:
        answers = list(append_rows(iter(requests)))
        assert len(answers) == len(requests)
        assert not any(answer.error.code for answer in answers)

    return send


def _cpu_us(call: Callable[[], None]) -> float:
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1e6


def _beam_us(rows: Any) -> float:
    """CPU of Beam's sink a row: a pipeline with it less the same pipeline without."""
    import apache_beam as beam
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = beam.io.WriteToBigQuery(
        "shop:observability.traces",
        method="STREAMING_INSERTS",
        create_disposition="CREATE_NEVER",
        test_client=_Client(),
    )
    with tempfile.TemporaryDirectory() as place:
        path = f"{place}/rows.parquet"
        pq.write_table(pa.Table.from_batches([rows.slice(0, BEAM_ROWS)]).unify_dictionaries(), path)

        def run(last: beam.PTransform) -> None:
            with beam.Pipeline(runner="FnApiRunner") as pipeline:
                pipeline | beam.Create([path]) | beam.FlatMap(_dicts) | last

        run(beam.Map(_nothing))  # imports
        return (_cpu_us(lambda: run(sink)) - _cpu_us(lambda: run(beam.Map(_nothing)))) / BEAM_ROWS


def _dicts(path: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _nothing(row: object) -> None:
    pass


class _Client:
    """Google's client with no credentials, made where it is used: Beam pickles what it is given."""

    client: Any = None

    def insert_rows_json(self, *arguments: Any, **named: Any) -> Any:
        if self.client is None:
            from google.auth.credentials import AnonymousCredentials
            from google.cloud import bigquery

            self.client = bigquery.Client(project="shop", credentials=AnonymousCredentials())
        return self.client.insert_rows_json(*arguments, **named)


@contextmanager
def _served() -> Iterator[tuple[str, str]]:
    command = [sys.executable, str(HERE), "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout
        grpc_host, http_host = server.stdout.readline().split()
        yield grpc_host, http_host
        server.communicate()


def _serve() -> None:
    """Both servers, until stdin ends."""
    from tests.sinks.storage_service import StorageService, served

    class Taking(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    service = StorageService()
    service.keeps_rows = False
    http = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    Thread(target=http.serve_forever, daemon=True).start()
    with served(service) as host:
        print(host, f"http://127.0.0.1:{http.server_port}", flush=True)
        sys.stdin.read()


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    _serve()
