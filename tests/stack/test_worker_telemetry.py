"""The worker's own telemetry, sent back into the pipeline it works for."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.telemetry import rows, spans
from tests.stack import pubsub_emulator
from tests.stack.test_worker import SECRET, message, start

pytestmark = pytest.mark.stack


def test_an_endpoint_that_leads_back_here_makes_no_loop(otelmart: str, tmp_path: Path) -> None:
    """One message from outside: one span about its batch, none about that span, and metrics at their interval."""
    with pubsub_emulator.emulator() as pubsub:
        topic, subscription = pubsub.topic("loop")
        listener = subprocess.Popen(
            [otelmart, "listen", "--to", f"pubsub:{topic}", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
            cwd=tmp_path,
            env=SECRET | {"PATH": os.environ["PATH"], "PUBSUB_EMULATOR_HOST": pubsub.host},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert listener.stderr
            address = re.search(r"OTLP/HTTP on (\S+),", listener.stderr.readline())
            assert address
            told = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_METRIC_EXPORT_INTERVAL": "2000"}
            told |= {"OTEL_EXPORTER_OTLP_ENDPOINT": address[1]}
            worker = start(otelmart, pubsub.host, subscription, tmp_path / "lake", **told)
            pubsub.publish(topic, [message("traces", spans(1, 3))])
            worker.wait_for("otelmart_worker_messages_total", 5)
            counts = []
            for _ in range(3):
                counts.append(worker.metric("otelmart_worker_messages_total"))
                time.sleep(10)
            worker.stop()
        finally:
            listener.kill()
            listener.communicate()
    first, second = counts[1] - counts[0], counts[2] - counts[1]
    assert 3 <= first <= 7
    assert 3 <= second <= 7  # 5 exports of metrics in 10 s, and nothing else
    by_service = "select coalesce(service_name, ''), count(distinct span_id) from traces group by 1 order by 1"
    assert rows(worker.lake, by_service) == [("", 3), ("otelmart-worker", 1)]
    print(f"messages in 10 s: {first:.0f}, then {second:.0f}; 1 span of the worker")
