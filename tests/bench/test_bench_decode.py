"""The benchmark compares like with like: the dict rows hold what the kernel's rows hold."""

import importlib
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import tables
from pipelines.decode import kernel
from pipelines.payloads import Payload
from tests.bench import dict_rows, traffic

MADE = {"traces": traffic.trace_requests, "logs": traffic.log_requests, "metrics": traffic.metric_requests}


@pytest.mark.parametrize("signal", MADE)
def test_dict_rows_equal_the_kernels_rows(signal):
    (request,) = MADE[signal](1, 200)
    payload = Payload(signal, request, "protobuf", "0" * 32, dict_rows.RECEIVE_TIME_US, "test")
    decoded, expected = kernel.decode([payload], dict_rows.RULES).rows, dict_rows.table(signal, [request])
    for field in tables.arrow_schema(signal):
        column, wanted = (
            decoded.column(field.name).cast(field.type).to_pylist(),
            expected.column(field.name).to_pylist(),
        )
        if pa.types.is_list(field.type):
            wanted = [each or [] for each in wanted]  # a dict row without a list has NULL
        assert column == wanted, field.name


def test_the_stages_are_functions_of_the_kernel(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)  # as tests/bench/run.py does
    bench_decode = importlib.import_module("bench_decode")
    for functions in bench_decode.STAGES.values():
        for owner, function in functions:
            assert callable(getattr(owner, function, None)), (owner.__name__, function)
