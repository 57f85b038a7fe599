"""The stock Python SDK, run by the lines of the README."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.listen.conftest import Start
from tests.listen.readme import over_grpc, script
from tests.pipeline.telemetry import rows

APPS = Path(__file__).parent


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "gzip"])
def test_everything_that_the_sdk_sent_is_in_the_lake(start: Start, protocol: str, is_compressed: bool) -> None:
    listener = start()
    told = script("app.py", listener.http.removeprefix("http://"))
    told = over_grpc(told, listener.grpc) if protocol == "grpc" else told
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    compression = {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"} if is_compressed else {}
    done = subprocess.run(
        ["bash", "-c", told], cwd=APPS, env=os.environ | {"PATH": path} | compression, capture_output=True, text=True
    )
    listener.stop()

    assert (done.returncode, done.stderr) == (0, "")
    assert rows(listener.lake, "select service_name, count(distinct span_id), count(*) from traces group by all") == [
        ("my-app", 1200, 1200)
    ]
    assert rows(listener.lake, "select count(distinct body), count(distinct trace_id), count(*) from logs") == [
        (1200, 1200, 1200)
    ]
    assert rows(listener.lake, "select max(value) from metrics where metric_name = 'orders'") == [(1200.0,)]
