"""A message whose rows repeat a huge resource, scope or metric becomes one dead letter on either path."""

from typing import Any

import pytest

from pipelines.decode import decode, messages, reference
from pipelines.payloads import Payload, Signal, payload_id

NOW_NS = 1_767_312_000_000_000_000
HUGE = "x" * 1_000_000


def spans_under_a_huge_resource(row_count: int) -> tuple[Signal, Any]:
    request = messages.OFFICIAL["traces"]()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="k").value.string_value = HUGE
    for _ in range(row_count):
        resource.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=NOW_NS)
    return "traces", request


def logs_under_a_huge_scope(row_count: int) -> tuple[Signal, Any]:
    request = messages.OFFICIAL["logs"]()
    request.resource_logs.add().scope_logs.add()
    scope = request.resource_logs.add().scope_logs.add()
    scope.scope.attributes.add(key="k").value.string_value = HUGE
    for _ in range(row_count):
        scope.log_records.add(time_unix_nano=NOW_NS)
    return "logs", request


def points_under_a_huge_metric(row_count: int) -> tuple[Signal, Any]:
    request = messages.OFFICIAL["metrics"]()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m", description=HUGE)
    for _ in range(row_count):
        metric.gauge.data_points.add(time_unix_nano=NOW_NS)
    return "metrics", request


@pytest.mark.parametrize("decoder", [decode, reference.decode])
@pytest.mark.parametrize("make", [spans_under_a_huge_resource, logs_under_a_huge_scope, points_under_a_huge_metric])
@pytest.mark.parametrize(("row_count", "reasons"), [(100, []), (300, ["expands_too_much"])])
def test_rows_may_repeat_64_mib_and_64_times_the_bytes_of_their_message(rules, decoder, make, row_count, reasons):
    # 64 MiB + 64 * 1 MB = 131 MB: 100 rows repeat 100 MB (over half of it: judged exactly), 300 rows repeat 300 MB.
    signal, request = make(row_count)
    data = request.SerializeToString()
    decoded = decoder([Payload(signal, data, "protobuf", payload_id(data), NOW_NS // 1000, "test")], rules)
    assert [bad.reason for bad in decoded.bad_rows] == reasons
    assert decoded.rows.num_rows == (0 if reasons else row_count)
