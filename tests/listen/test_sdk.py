"""The stock Python SDK, told where to send by the environment variables of the README."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.listen.conftest import Start
from tests.pipeline.telemetry import rows

APP = Path(__file__).with_name("app.py")


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "gzip"])
def test_everything_that_the_sdk_sent_is_in_the_lake(start: Start, protocol: str, is_compressed: bool) -> None:
    listener = start()
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{listener.grpc}" if protocol == "grpc" else listener.http,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_SERVICE_NAME": "my-app",
        **({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"} if is_compressed else {}),
    }
    done = subprocess.run([sys.executable, str(APP)], env=os.environ | told, capture_output=True, text=True, timeout=60)
    listener.stop()

    assert (done.returncode, done.stderr) == (0, "")
    assert rows(listener.lake, "select service_name, count(distinct span_id), count(*) from traces group by all") == [
        ("my-app", 1200, 1200)
    ]
    assert rows(listener.lake, "select count(distinct body), count(distinct trace_id), count(*) from logs") == [
        (1200, 1200, 1200)
    ]
    assert rows(listener.lake, "select max(value) from metrics where metric_name = 'orders'") == [(1200.0,)]
