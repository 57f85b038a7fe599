"""OTLP/gRPC, asked by the official stubs."""

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from tests.listen.conftest import Start
from tests.pipeline.telemetry import logs, points, rows, spans

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def test_all_three_services_take_and_count_what_they_reject(start: Start) -> None:
    listener = start()
    with grpc.insecure_channel(listener.grpc) as channel:
        traces = TraceServiceStub(channel)
        plain = traces.Export(ExportTraceServiceRequest.FromString(spans(1)))
        partial = traces.Export(ExportTraceServiceRequest.FromString(spans(5, count=3, bad_ordinals=(2,))))
        traces.Export(ExportTraceServiceRequest.FromString(spans(20)), compression=grpc.Compression.Gzip)
        LogsServiceStub(channel).Export(ExportLogsServiceRequest.FromString(logs(1)))
        MetricsServiceStub(channel).Export(ExportMetricsServiceRequest.FromString(points(1)))
    listener.stop()

    assert not plain.HasField("partial_success")
    assert partial.partial_success.rejected_spans == 1
    assert rows(listener.lake, "select count(*) from traces") == [(6,)]
    assert rows(listener.lake, "select count(*) from logs") == [(2,)]
    assert rows(listener.lake, "select count(*) from metrics") == [(2,)]


def test_what_is_refused_has_the_code_of_the_specification(start: Start) -> None:
    listener = start("--max-message", "1MB", environment={"OTELMART_LISTEN_TOKEN": "secret"})
    bearer = (("authorization", "Bearer secret"),)
    with grpc.insecure_channel(listener.grpc) as channel:
        export = channel.unary_unary(EXPORT)
        cases = [(spans(1), None), (b"\x0a\xffno", bearer), (spans(1, count=18_000), bearer)]
        codes = []
        for data, metadata in cases:
            with pytest.raises(grpc.RpcError) as caught:
                export(data, metadata=metadata, timeout=20)
            codes.append(caught.value.code())
        with pytest.raises(grpc.RpcError) as bomb:
            export(bytes(9_000_000), metadata=bearer, compression=grpc.Compression.Gzip, timeout=20)
        assert export(spans(1), metadata=bearer, timeout=20) == b""

    assert codes == [
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ]
    assert bomb.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
