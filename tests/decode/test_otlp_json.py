"""OTLP/JSON becomes the same protobuf message that an OTLP/protobuf sender would have sent."""

import base64
import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from pipelines.decode import messages
from pipelines.decode.otlp_json import to_protobuf
from pipelines.errors import BadMessage

Request = messages.OFFICIAL["traces"]


def span(**fields: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}


def attribute(value: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "k", "value": value}]}}]}


def read(document: Any, signal: Any = "traces") -> Any:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return messages.OFFICIAL[signal].FromString(to_protobuf(signal, data))


def read_span(**fields: Any) -> Any:
    return read(span(**fields)).resource_spans[0].scope_spans[0].spans[0]


def read_value(value: Any) -> Any:
    return read(attribute(value)).resource_spans[0].resource.attributes[0].value


def error(document: Any, signal: Any = "traces") -> str:
    with pytest.raises(BadMessage) as raised:
        read(document, signal)
    assert raised.value.reason == "bad_json"
    return str(raised.value)


def test_captured_requests_read_as_protobufs_own_json_reader_reads_them(captured):
    for signal, payloads in captured.payloads.items():
        for payload in payloads:
            if payload.encoding == "json":
                assert read(payload.data, signal) == json_format.ParseDict(
                    _ids_in_base64(json.loads(payload.data)), messages.OFFICIAL[signal](), ignore_unknown_fields=True
                )


def _ids_in_base64(content: Any) -> Any:
    """Protobuf's JSON writes bytes in base64; OTLP's writes ids in hex."""
    if isinstance(content, list):
        return [_ids_in_base64(each) for each in content]
    if not isinstance(content, dict):
        return content
    ids = {"traceId", "spanId", "parentSpanId"}
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode() if key in ids else _ids_in_base64(value)
        for key, value in content.items()
    }


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), ("5", 5), ("-9223372036854775808", -(2**63)), ("9223372036854775807", 2**63 - 1), (5.0, 5), ("+07", 7)],
)
def test_integers_are_numbers_or_text(value, number):
    assert read_value({"intValue": value}).int_value == number


@pytest.mark.parametrize("value", ["", "5.5", 5.5, "0x5", "5 ", True, [], {}, 2**63, "-9223372036854775809"])
def test_what_is_no_int64_is_refused(value):
    expected = "not an integer in -9223372036854775808..9223372036854775807"
    assert (
        error(attribute({"intValue": value})) == f"resourceSpans[0].resource.attributes[0].value.intValue: {expected}"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (3, "3.0"),
        ("NaN", "nan"),
        ("Infinity", "inf"),
        ("-Infinity", "-inf"),
        ("1e3", "1000.0"),
        (-0.0, "-0.0"),
    ],
)
def test_doubles_are_numbers_or_text(value, text):
    assert repr(read_value({"doubleValue": value}).double_value) == text


@pytest.mark.parametrize("value", ["", "nan", "1,5", True, [], {}])
def test_what_is_no_double_is_refused(value):
    assert error(attribute({"doubleValue": value})).endswith(".value.doubleValue: not a number")


@pytest.mark.parametrize("text", ["AP/+", "AP_-"])
def test_bytes_are_base64_in_either_alphabet(text):
    assert read_value({"bytesValue": text}).bytes_value == b"\x00\xff\xfe"


@pytest.mark.parametrize("text", ["A", "A===", "AA A", "*", 5])
def test_what_is_no_base64_is_refused(text):
    assert error(attribute({"bytesValue": text})).endswith(".value.bytesValue: not base64")


def test_padding_of_base64_may_be_left_out():
    assert read_value({"bytesValue": "AA"}).bytes_value == read_value({"bytesValue": "AA=="}).bytes_value == b"\x00"


@pytest.mark.parametrize("text", ["0102030405060708090A0b0C0d0E0f10", "", "01"])
def test_ids_are_hex_of_any_length_and_case(text):
    assert read_span(traceId=text).trace_id == bytes.fromhex(text)


@pytest.mark.parametrize("text", ["0", "zz", "01 02", " 01", "0x01", 5])
def test_what_is_no_hex_is_refused(text):
    assert error(span(traceId=text)) == "resourceSpans[0].scopeSpans[0].spans[0].traceId: not hex digits"


@pytest.mark.parametrize("kind", [3, "3", "SPAN_KIND_CLIENT"])
def test_enums_are_numbers_or_names(kind):
    assert read_span(kind=kind).kind == 3


def test_of_two_kinds_of_one_value_the_last_counts():
    assert read_value({"stringValue": "a", "boolValue": True}).WhichOneof("value") == "bool_value"


def test_a_null_is_as_if_absent():
    assert read_span(name=None, attributes=None, traceId=None, status=None) == read_span()


def test_names_may_be_the_original_ones():
    assert read_span(start_time_unix_nano="7") == read_span(startTimeUnixNano=7)


def test_unknown_names_are_ignored():
    assert read_span(name="n", colour={"deep": [1, {"x": None}]}) == read_span(name="n")


def test_numbers_of_every_width_reach_their_field():
    point = {
        "count": "18446744073709551615", "sum": 1.5, "scale": -10, "zeroCount": 3, "flags": 4294967295,
        "positive": {"offset": -2147483648, "bucketCounts": [1, "2"]}, "timeUnixNano": "18446744073709551615",
    }  # fmt: skip
    document = {
        "resourceMetrics": [{"scopeMetrics": [{"metrics": [{"exponentialHistogram": {"dataPoints": [point]}}]}]}]
    }
    (read_point,) = (
        read(document, "metrics").resource_metrics[0].scope_metrics[0].metrics[0].exponential_histogram.data_points
    )
    assert (read_point.count, read_point.sum, read_point.scale, read_point.zero_count) == (2**64 - 1, 1.5, -10, 3)
    assert (read_point.flags, read_point.time_unix_nano) == (2**32 - 1, 2**64 - 1)
    assert (read_point.positive.offset, list(read_point.positive.bucket_counts)) == (-(2**31), [1, 2])


@pytest.mark.parametrize("nested_values", [45, 20])
def test_values_nest_as_deep_as_protobuf_parsers_allow(nested_values):
    value: dict[str, Any] = {"stringValue": "core"}
    for _ in range(nested_values):
        value = {"arrayValue": {"values": [value]}}
    inner = read_value(value)
    for _ in range(nested_values):
        inner = inner.array_value.values[0]
    assert inner.string_value == "core"


@pytest.mark.parametrize(
    ("nested_values", "what"),
    [(60, "not an object within 100 levels"), (200, "not an object within 100 levels"), (30_000, "not JSON at line 1")],
)
def test_deeper_nesting_is_refused_without_using_up_the_stack(nested_values, what):
    opening, closing = '{"arrayValue":{"values":[' * nested_values, "]}}" * nested_values
    document = f'{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{opening}{{}}{closing}}}]}}}}]}}'
    assert what in error(document.encode())


@pytest.mark.parametrize(
    "document", [b"", b"null", b"5", b'"x"', b"{", b"\xff", b'{"resourceSpans": [NaN]}', b"[" * 100_000]
)
def test_what_is_no_json_object_is_refused(document):
    assert error(document).startswith(("not JSON at line ", "the document is not a JSON object"))


@pytest.mark.parametrize("document", [{"a": 1}, {"resourceLogs": []}, {"resourceSpans": [], "resourceLogs": []}])
def test_a_document_of_another_signal_is_refused(document):
    assert error(document) == "the document does not hold traces and nothing else"


def test_an_empty_document_is_an_empty_request():
    assert read(b"{}") == Request()


def test_text_that_is_not_utf8_keeps_its_place_for_decode_to_repair():
    data = to_protobuf("traces", b'{"resourceSpans":[{"schemaUrl":"caf\xe9 \\ud800 ok"}]}')
    assert messages.REQUESTS["traces"].FromString(data).resource_spans[0].schema_url == b"caf\xff \xff ok"


NAMES = st.sampled_from(
    [
        "resourceSpans",
        "resource",
        "scopeSpans",
        "spans",
        "attributes",
        "key",
        "value",
        "stringValue",
        "intValue",
        "traceId",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused_with_a_reason(document):
    reason = None
    try:
        encoded = to_protobuf("traces", json.dumps(document).encode())
    except BadMessage as bad:
        reason, encoded = bad.reason, b""
    assert reason in (None, "bad_json")
    messages.REQUESTS["traces"].FromString(encoded)
