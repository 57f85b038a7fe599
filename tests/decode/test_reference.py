"""The plain decoder where examples cannot show it: several payloads, replayed rows, series ids, limits, odd bytes."""

import hashlib
import struct
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipelines import dead_letters, tables
from pipelines.decode import bad_rows, messages, reference, scalars
from pipelines.payloads import SIGNALS, Payload, Signal, payload_id

SECOND_NS = 1_000_000_000
NOW_NS = 1_767_312_000 * SECOND_NS
TRACE_ID, SPAN_ID = bytes(range(1, 17)), bytes(range(1, 9))


def payload(signal: Signal, request: Any, **changes: Any) -> Payload:
    data = request if isinstance(request, bytes) else request.SerializeToString()
    sent = Payload(signal, data, "protobuf", payload_id(data), NOW_NS // 1000, "test")
    return replace(sent, **changes)


def spans(*names: str, **fields: Any) -> Any:
    request = messages.OFFICIAL["traces"]()
    scope = request.resource_spans.add().scope_spans.add()
    for name in names:
        base = {"trace_id": TRACE_ID, "span_id": SPAN_ID, "start_time_unix_nano": NOW_NS, "name": name}
        scope.spans.add(**{**base, **fields})
    return request


def test_rows_come_in_payload_and_wire_order_with_the_index_of_their_payload(rules):
    sent = [payload("traces", spans("a", "b")), payload("traces", b"\xff"), payload("traces", spans("c"))]
    decoded = reference.decode(sent, rules)
    assert decoded.rows["name"].to_pylist() == ["a", "b", "c"]
    assert decoded.rows["row_ordinal"].to_pylist() == [0, 1, 0]
    assert decoded.rows["payload_id"].to_pylist() == [sent[0].payload_id] * 2 + [sent[2].payload_id]
    assert decoded.payload_index == pa.array([0, 0, 2], pa.int32())
    assert [(bad.payload_index, bad.reason) for bad in decoded.bad_rows] == [(1, "bad_protobuf")]
    assert decoded.wrong_type_counts == decoded.repaired_row_counts == [0, 0, 0]


@pytest.mark.parametrize("signal", SIGNALS)
def test_rows_have_the_schema_of_their_table(signal, rules):
    assert reference.decode([payload(signal, b"")], rules).rows.schema == tables.arrow_schema(signal)


def test_no_payloads_have_no_rows(rules):
    assert reference.decode([], rules).rows.num_rows == 0


def test_a_replayed_row_keeps_the_place_it_came_from(rules):
    sent = payload("traces", spans("a", "b"), first_row_ordinal=17, payload_id="f" * 32)
    decoded = reference.decode([sent], rules)
    assert decoded.rows["row_ordinal"].to_pylist() == [17, 18]
    assert decoded.rows["payload_id"].to_pylist() == ["f" * 32] * 2
    bad = reference.decode([replace(sent, data=spans("a", span_id=b"").SerializeToString())], rules).bad_rows
    assert [each.row_ordinal for each in bad] == [17]


def test_a_dead_letter_replayed_under_wider_limits_becomes_the_row_it_would_have_been(rules):
    request = spans("old", start_time_unix_nano=1)
    request.resource_spans[0].resource.attributes.add(key="service.name").value.string_value = "checkout"
    (bad,) = reference.decode([payload("traces", request)], rules).bad_rows
    assert bad.reason == "time_out_of_range"
    wide = replace(rules, max_past_days=100_000)
    again = reference.decode([payload("traces", bad.data)], wide).rows.to_pylist()
    at_once = reference.decode([payload("traces", request)], wide).rows.to_pylist()
    assert [{**row, "payload_id": ""} for row in again] == [{**row, "payload_id": ""} for row in at_once]
    assert again[0]["service_name"] == "checkout"


def test_time_limits_are_those_of_the_rules(rules):
    narrow = replace(rules, max_past_days=1, max_future_days=0)
    past_ns = 24 * 3600 * SECOND_NS
    for start_ns, is_kept in (
        (NOW_NS, True),
        (NOW_NS + 1, False),
        (NOW_NS - past_ns, True),
        (NOW_NS - past_ns - 1, False),
    ):
        decoded = reference.decode([payload("traces", spans("a", start_time_unix_nano=start_ns))], narrow)
        assert decoded.rows.num_rows == is_kept


def test_every_row_reason_has_a_sentence_without_data(rules):
    decoded = reference.decode([payload("traces", spans("ann@example.com", span_id=b"ann"))], rules)
    assert [bad.error_text for bad in decoded.bad_rows] == [bad_rows.REASONS["bad_span_id"]]


def test_every_reason_of_decode_is_in_the_table_of_dead_letters():
    reasons = {*bad_rows.REASONS, bad_rows.TOO_LARGE, "bad_protobuf", "bad_json"}
    assert reasons <= set(dead_letters.REASONS)


def test_series_id_is_the_sum_of_hashes_that_the_contract_describes(rules):
    request = messages.OFFICIAL["metrics"]()
    resource = request.resource_metrics.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    scope = resource.scope_metrics.add()
    scope.scope.name = "meter"
    scope.scope.attributes.add(key="s").value.bool_value = True
    metric = scope.metrics.add(name="api.calls", unit="1")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
    point = metric.sum.data_points.add(time_unix_nano=NOW_NS, as_int=1)
    point.attributes.add(key="path").value.string_value = "/ü"
    point.attributes.add(key="none")

    def lanes(*parts: str | None) -> tuple[int, int]:
        texts = [(2**64 - 1, b"") if part is None else (len(part.encode()), part.encode()) for part in parts]
        digest = hashlib.blake2b(
            b"".join(struct.pack("<Q", size) + raw for size, raw in texts), digest_size=16
        ).digest()
        return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")

    hashes = [
        lanes("resource", "service.name", "checkout"),
        lanes("scope", "s", "true"),
        lanes("scope_header", "meter", None),
        lanes("metric", "api.calls", "1", "SUM", "CUMULATIVE", "true"),
        lanes("point", "path", "/ü"),
        lanes("point", "none", None),
    ]
    low, high = (sum(lane) % 2**64 for lane in zip(*hashes, strict=True))
    (row,) = reference.decode([payload("metrics", request)], rules).rows.to_pylist()
    assert row["series_id"] == f"{low:016x}{high:016x}"


def test_nesting_beyond_what_protobuf_parsers_allow_makes_the_message_bad(rules):
    for levels, reason in ((20, []), (60, ["bad_protobuf"])):
        value = b""
        for _ in range(levels):
            array = _field(1, value)
            value = _field(5, array)
        attribute = _field(1, b"k") + _field(2, value)
        request = spans("a").SerializeToString() + _field(1, _field(1, _field(1, attribute)))
        assert [bad.reason for bad in reference.decode([payload("traces", request)], rules).bad_rows] == reason


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, length = len(content), bytearray()
    while size >= 128:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2]) + bytes(length) + bytes([size]) + content


def test_a_message_sent_in_two_pieces_is_merged_as_protobuf_says(rules):
    first = _field(1, b"k") + _field(2, _field(1, b"old"))
    attribute = first + _field(2, _field(1, b"new"))
    request = _field(1, _field(1, _field(1, attribute)) + _field(1, _field(1, _field(1, b"k2"))))
    request = request[:1] + bytes([len(request) - 2]) + request[2:]
    merged = messages.OFFICIAL["traces"].FromString(request).resource_spans[0].resource.attributes
    assert [(pair.key, pair.value.string_value) for pair in merged] == [("k", "new"), ("k2", "")]
    sent = messages.OFFICIAL["traces"].FromString(request)
    sent.resource_spans[0].scope_spans.add().spans.add(trace_id=TRACE_ID, span_id=SPAN_ID, start_time_unix_nano=NOW_NS)
    (row,) = reference.decode([payload("traces", sent)], rules).rows.to_pylist()
    assert row["resource_attributes"] == [{"key": "k", "value": "new"}, {"key": "k2", "value": None}]


def test_unknown_fields_are_ignored_in_rows_and_kept_in_dead_letters(rules):
    unknown = bytes([0xFA, 0x01, 6]) + b"future"  # field 31
    span = spans("a", span_id=b"").resource_spans[0].scope_spans[0].spans[0].SerializeToString() + unknown
    request = _field(1, _field(2, _field(2, span)))
    (bad,) = reference.decode([payload("traces", request)], rules).bad_rows
    assert bad.data == request


def test_rules_of_a_user_decide_columns_and_privacy(rules):
    request = spans("a")
    for key, text in (("user.id", "ann"), ("tenant", "t-1")):
        request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key=key).value.string_value = text
    own = replace(rules, columns={**rules.columns, "traces": ()}, actions={"tenant": "drop"})
    (row,) = reference.decode([payload("traces", request)], own).rows.to_pylist()
    assert row["attributes"] == [{"key": "user.id", "value": "ann"}]
    assert row["user_id"] is None


def test_a_dropped_field_is_null(rules):
    request = spans("a", status={"message": "secret"})
    own = replace(rules, field_actions={"traces.status_message": "drop"})
    assert reference.decode([payload("traces", request)], own).rows["status_message"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        ("-1.5", "-1.5"),
        ("1e-9", "0.000000001"),
        ("0.0000000005", "0.000000001"),
        ("-0.0000000005", "-0.000000001"),
        ("0.00000000049999999999999999999999999999999999999999999999999999", "0"),
        ("1e28", "10000000000000000000000000000"),
        ("1e-999999999999999999999", "0"),
        ("0e999999999999999999999", "0"),
        ("1e29", None),
        ("1e38", None),
        ("99999999999999999999999999999.9999999999", None),
        ("1e999999999999999999999", None),
        ("9" * 5000, None),
        ("0." + "9" * 5000, "1"),
        ("NaN", None),
        ("Infinity", None),
        ("", None),
        (" 1", None),
        ("1_000", None),
        ("١", None),
        ("0x10", None),
        (".", None),
    ],
)
def test_numeric_takes_finite_decimals_below_1e29(text, number):
    assert scalars.to_numeric(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+7", 7),
        ("-0", 0),
        ("0" * 5000 + "7", 7),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        (str(-(2**63)), -(2**63)),
        ("7.0", None),
        ("", None),
        ("٧", None),
        ("1_0", None),
        ("9" * 5000, None),
        ("--1", None),
    ],
)
def test_int64_takes_signed_digits_within_64_bits(text, number):
    assert scalars.to_int64(text) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (100.0, "100.0"),
        (-0.0, "-0.0"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (0.001, "0.001"),
        (1e-7, "1e-7"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_doubles_are_written_in_their_shortest_form(number, text):
    assert scalars.any_value_text(messages.AnyValue(double_value=number)) == text
    assert float(text) == number


def test_bad_rows_alone_are_those_that_decode_finds(example, rules):
    found = reference.bad_rows_of(example.payload, rules)
    assert found == reference.decode(example.payloads, rules).bad_rows


def test_bad_rows_alone_of_a_message_that_cannot_be_read_are_the_message(invalid_example, rules):
    found = reference.bad_rows_of(invalid_example.payload, rules)
    assert found == reference.decode(invalid_example.payloads, rules).bad_rows
