"""adjusted_count of a span by its tracestate and weight (OpenTelemetry: tracestate probability sampling)."""

import pytest

from pipelines.decode.sampling import adjusted_count


@pytest.mark.parametrize(
    ("trace_state", "weight", "expected"),
    [
        (None, None, (1.0, "unknown")),
        ("", None, (1.0, "unknown")),
        ("ot=th:0", None, (1.0, "ot_th")),
        ("ot=th:8", None, (2.0, "ot_th")),
        ("ot=th:c", None, (4.0, "ot_th")),
        ("ot=th:e66666", None, (2.0**56 / (2**56 - 0xE6666600000000), "ot_th")),  # 10 %: the specification's example
        ("ot=th:ffffffffffffff", None, (2.0**56, "ot_th")),
        ("ot=th:fffffffffffffff", None, (1.0, "unknown")),  # 15 digits
        ("ot=th:", None, (1.0, "unknown")),
        ("ot=th:-8", None, (1.0, "unknown")),
        ("ot=th:0x8", None, (1.0, "unknown")),
        ("ot=th:C", None, (1.0, "unknown")),
        ("ot=rv:00000000000000;th:8", None, (2.0, "ot_th")),
        ("a=b,ot=th:8,c=d", None, (2.0, "ot_th")),
        ("a=b\t,\tot=th:8\t,c=d", None, (2.0, "ot_th")),
        ("robot=th:8", None, (1.0, "unknown")),
        ("a=ot=th:8", None, (1.0, "unknown")),
        ("ot=p:0", None, (1.0, "ot_p")),
        ("ot=p:10;r:12", None, (1024.0, "ot_p")),
        ("ot=p:62", None, (2.0**62, "ot_p")),
        ("ot=p:63", None, (0.0, "ot_p")),
        ("ot=p:64", None, (1.0, "unknown")),
        ("ot=p:-1", None, (1.0, "unknown")),
        ("ot=p:٣", None, (1.0, "unknown")),
        ("ot=p:3;th:8", None, (2.0, "ot_th")),
        ("ot=th:x;p:3", None, (8.0, "ot_p")),
        ("ot=th:x", "5", (5.0, "weight_attribute")),
        (None, "2.5", (2.5, "weight_attribute")),
        (None, "1e3", (1000.0, "weight_attribute")),
        (None, "0", (1.0, "unknown")),
        (None, "-3", (1.0, "unknown")),
        (None, "NaN", (1.0, "unknown")),
        (None, "Infinity", (1.0, "unknown")),
        (None, "1/20", (1.0, "unknown")),
        ("ot=th:8", "20", (2.0, "ot_th")),
    ],
)
def test_count_and_source(trace_state, weight, expected):
    assert adjusted_count(trace_state, weight) == expected
