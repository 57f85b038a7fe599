"""The kernel makes of every example, and of traffic of all kinds, what the plain decoder makes of it."""

import pytest

from pipelines import decode
from pipelines.decode import batches, groups, kernel, reference
from pipelines.payloads import SIGNALS, Payload
from tests.bench import traffic
from tests.decode.kernel_oracle import RECEIVE_TIME_US, assert_kernel_equals_reference, assert_same, payload

REQUESTS = {
    "traces": traffic.trace_requests(3, 96),
    "logs": traffic.log_requests(3, 96),
    "metrics": traffic.metric_requests(3, 96),
}


@pytest.fixture
def kernel_only(monkeypatch):
    """However small the payloads, they take the kernel."""
    monkeypatch.setattr(groups, "SMALL_BYTES", 0)


@pytest.fixture
def no_fallback(monkeypatch):
    def fail(*_args):
        pytest.fail("left to the plain decoder")

    monkeypatch.setattr(kernel, "plainly", fail)


@pytest.mark.usefixtures("kernel_only")
def test_an_example_becomes_its_expected_rows(example, rules, assert_expected):
    assert_expected(example, decode.decode(example.payloads, rules))


@pytest.mark.usefixtures("kernel_only")
def test_a_request_that_cannot_be_read_is_one_dead_letter(invalid_example, rules):
    decoded = decode.decode(invalid_example.payloads, rules)
    assert decoded.bad_rows == reference.decode(invalid_example.payloads, rules).bad_rows
    assert decoded.rows.num_rows == 0


@pytest.mark.usefixtures("no_fallback")
@pytest.mark.parametrize("signal", REQUESTS)
def test_usual_traffic_is_equal_and_never_left_to_the_plain_decoder(signal, rules):
    payloads = [payload(signal, data, first_row_ordinal=1000 * i) for i, data in enumerate(REQUESTS[signal])]
    decoded = assert_kernel_equals_reference(payloads, rules)
    assert decoded.rows.num_rows == 3 * 96
    assert decoded.rows["row_ordinal"].to_pylist()[::96] == [0, 1000, 2000]


@pytest.mark.usefixtures("no_fallback")
def test_high_cardinality_traffic_is_equal(rules):
    requests = traffic.trace_requests(2, 128, high_cardinality=True)
    assert_kernel_equals_reference([payload("traces", data) for data in requests], rules)


@pytest.mark.usefixtures("no_fallback")
@pytest.mark.parametrize("signal", SIGNALS)
def test_captured_telemetry_is_equal_and_never_left_to_the_plain_decoder(captured, signal, rules):
    payloads = [*captured.payloads[signal]]
    as_protobuf, bad_json = groups.as_protobuf(payloads)
    assert bad_json == []
    if payloads:
        assert_kernel_equals_reference(as_protobuf, rules)


def test_no_payloads_make_no_rows(rules):
    decoded = decode.decode([], rules)
    assert decoded.rows.num_rows == 0
    assert decoded.rows.schema.equals(batches.schema("traces"))


@pytest.mark.parametrize("signal", REQUESTS)
def test_empty_requests_beside_full_ones_make_no_rows(signal, rules):
    payloads = [payload(signal, data) for data in (b"", REQUESTS[signal][0], b"", REQUESTS[signal][1], b"")]
    decoded = assert_kernel_equals_reference(payloads, rules)
    assert set(decoded.payload_index.to_pylist()) == {1, 3}


@pytest.mark.parametrize("signal", REQUESTS)
def test_a_list_that_holds_no_rows_at_all_is_fine(signal, rules):
    assert assert_kernel_equals_reference([payload(signal, b"")], rules).rows.num_rows == 0


@pytest.mark.parametrize("signal", REQUESTS)
def test_bad_messages_cost_their_neighbours_nothing(signal, rules):
    good = REQUESTS[signal]
    truncated, near_2_64 = good[0][:-7], b"\n" + b"\xff" * 9 + b"\x01"
    messages = [good[0], truncated, good[1], b"\xff\xff", near_2_64, good[2]]
    decoded = assert_kernel_equals_reference([payload(signal, data) for data in messages], rules)
    assert [(bad.payload_index, bad.reason) for bad in decoded.bad_rows] == [
        (1, "bad_protobuf"),
        (3, "bad_protobuf"),
        (4, "bad_protobuf"),
    ]
    assert decoded.rows.num_rows == 3 * 96


def test_json_that_is_no_otlp_keeps_its_bytes_beside_good_payloads(rules):
    bad = Payload("traces", b'{"resourceSpans": 3}', "json", "a" * 32, RECEIVE_TIME_US, "test")
    payloads = [payload("traces", REQUESTS["traces"][0]), bad, payload("traces", REQUESTS["traces"][1])]
    decoded = decode.decode(payloads, rules)
    assert_same(decoded, reference.decode(payloads, rules), "traces")
    assert [(each.payload_index, each.reason, each.data) for each in decoded.bad_rows] == [(1, "bad_json", bad.data)]


def test_groups_join_to_the_same_rows_as_one_list(rules, monkeypatch):
    payloads = [payload("traces", data) for data in REQUESTS["traces"]]
    monkeypatch.setattr(groups, "GROUP_BYTES", 60_000)
    found = list(decode.decode_groups(payloads, rules))
    assert [len(group) for group, _ in found] == [1, 1, 1]
    assert_same(decode.decode(payloads, rules), reference.decode(payloads, rules), "traces")
