"""Input that no SDK sends: the kernel stays exact, or bounded, or says where it is more lenient than protobuf."""

import time

import pytest

from pipelines import decode
from pipelines.decode import expansion, kernel, reference, wire
from tests.bench import traffic
from tests.decode.kernel_oracle import assert_kernel_equals_reference, payload
from tests.fuzz.mutations import nested, sized, varint

START_NS = 1_760_000_000_000_000_000
SPAN = b"\x0a\x10" + b"\x01" * 16 + b"\x12\x08" + b"\x02" * 8 + b"\x39" + START_NS.to_bytes(8, "little")


def of_span(*fields: bytes) -> bytes:
    """A trace request of one good span with more fields."""
    return sized(1, sized(2, sized(2, SPAN + b"".join(fields))))


def of_pair(value: bytes, key: bytes = b"k") -> bytes:
    """A trace request of one span with one attribute, whose AnyValue has these bytes."""
    return of_span(sized(9, sized(1, key) + sized(2, value)))


SAME = {
    "unknown fields": of_span(sized(99, b"x"), varint(98 << 3) + b"\x05", varint(97 << 3 | 5) + b"1234"),
    "unknown group": of_span(varint(50 << 3 | 3) + b"\x08\x01" + varint(50 << 3 | 4)),
    "known field of another wire type": of_span(b"\x2d1234"),
    "status in two pieces": of_span(sized(15, b"\x18\x02"), sized(15, sized(2, b"broken"))),
    "resource in two pieces": sized(
        1,
        sized(1, sized(1, sized(1, b"service.name") + sized(2, sized(1, b"a"))))
        + sized(2, sized(2, SPAN))
        + sized(1, sized(1, sized(1, b"service.name") + sized(2, sized(1, b"b")))),
    ),
    "scope in two pieces": sized(1, sized(2, sized(1, sized(1, b"lib")) + sized(2, SPAN) + sized(1, sized(2, b"1.0")))),
    "name sent twice": of_span(sized(5, b"first"), sized(5, b"last")),
    "value before key": of_span(sized(9, sized(2, sized(1, b"v")) + sized(1, b"k"))),
    "pair without value": of_span(sized(9, sized(1, b"k"))),
    "pair without key": of_span(sized(9, sized(2, sized(1, b"v")))),
    "pair of nothing": of_span(sized(9, b"")),
    "value in two pieces": of_span(sized(9, sized(1, b"k") + sized(2, b"\x18\x05") + sized(2, sized(1, b"last")))),
    "overlong length in a value": of_pair(b"\x0a\x81\x00Z"),
    "overlong integer": of_pair(b"\x18\x81\x80\x00"),
    "two members of the oneof": of_pair(b"\x18\x05\x0a\x01S"),
    "bool that is 7": of_pair(b"\x10\x07"),
    "overlong bool": of_pair(b"\x10\x85\x00"),
    "unknown field in a value": of_pair(sized(50, b"x") + b"\x0a\x01S"),
    "overlong tag": of_pair(b"\x8a\x00\x01S"),
    "truncated value": of_pair(b"\x0a\x05S"),
    "key of 200 bytes": of_pair(sized(1, b"v"), b"k" * 200),
    "value of 20,000 bytes": of_pair(sized(1, b"v" * 20_000)),
    "nested 10 deep": of_pair(nested(10)),
    "nested 40 deep": of_pair(nested(40)),
    "nested past protobuf's limit": of_pair(nested(60)),
    "nested 5,000 deep": of_pair(nested(5000)),
    "invalid UTF-8 in the name": of_span(sized(5, b"na\xffme")),
    "invalid UTF-8 in a value": of_pair(sized(1, b"v\xe2\x28\xa1")),
    "invalid UTF-8 in a nested value": of_pair(sized(5, sized(1, sized(1, b"\xfe")))),
    "kind of 64 bits": of_span(varint(6 << 3) + varint(2**40 + 3)),
    "kind of -1": of_span(varint(6 << 3) + varint(2**64 - 1)),
    "length near 2^64": b"\n" + b"\xff" * 9 + b"\x01",
    "varint of 11 bytes": of_span(varint(6 << 3) + b"\xff" * 10 + b"\x01"),
    "field number 0": of_span(b"\x00\x01"),
    "wire type 6": of_span(b"\x0e\x01"),
    "truncated": of_span(sized(5, b"name"))[:-2],
}


@pytest.mark.parametrize("data", SAME.values(), ids=SAME.keys())
def test_an_odd_encoding_decodes_as_the_plain_decoder_does(data, rules):
    neighbour = traffic.trace_requests(1, 4)[0]
    payloads = [payload("traces", neighbour), payload("traces", data), payload("traces", neighbour)]
    assert_kernel_equals_reference(payloads, rules)


def test_a_log_body_in_two_pieces_is_merged(rules):
    record = b"\x09" + START_NS.to_bytes(8, "little") + sized(5, b"\x18\x05") + sized(5, sized(1, b"last"))
    decoded = assert_kernel_equals_reference([payload("logs", sized(1, sized(2, sized(2, record))))], rules)
    assert decoded.rows["body"].to_pylist() == ["last"]


def of_metric(*fields: bytes) -> bytes:
    return sized(1, sized(2, sized(2, sized(1, b"m") + b"".join(fields))))


POINT = b"\x19" + START_NS.to_bytes(8, "little")
ONE, TWO = b"\x31" + (1).to_bytes(8, "little"), b"\x21" + bytes(6) + b"\x00\x40"  # as_int 1, as_double 2.0
METRICS = {
    "int after double": of_metric(sized(5, sized(1, POINT + TWO + ONE))),
    "double after int": of_metric(sized(5, sized(1, POINT + ONE + TWO))),
    "sum after gauge": of_metric(sized(5, sized(1, POINT + ONE)), sized(7, sized(1, POINT + TWO))),
    "gauge in two pieces": of_metric(sized(5, sized(1, POINT + ONE)), sized(5, sized(1, POINT + TWO))),
    "unpacked buckets": of_metric(sized(9, sized(1, POINT + b"\x31" + b"\x01" * 8 + b"\x31" + bytes(8)))),
    "bucket count of 2^63": of_metric(sized(9, sized(1, POINT + sized(6, bytes(7) + b"\x80")))),
}


@pytest.mark.parametrize("data", METRICS.values(), ids=METRICS.keys())
def test_an_odd_metric_decodes_as_the_plain_decoder_does(data, rules):
    assert_kernel_equals_reference([payload("metrics", data)], rules)


def test_a_number_of_two_types_is_seen_beside_points_that_have_none(rules):
    histograms = of_metric(sized(9, sized(1, POINT) * 3))
    payloads = [payload("metrics", data) for data in (histograms, METRICS["double after int"], histograms)]
    assert_kernel_equals_reference(payloads, rules)


@pytest.mark.parametrize("data", [b"\x0b" * 2_000_000, of_span(b"\xa3\x06" * 1_000_000)], ids=["request", "span"])
def test_a_million_groups_inside_each_other_do_not_end_the_process(data, rules):
    (bad,) = kernel.decode([payload("traces", data)], rules).bad_rows
    assert (bad.row_ordinal, bad.reason, bad.data) == (None, "bad_protobuf", data)


LENIENT = {
    "group that another number ends": of_span(varint(50 << 3 | 3) + b"\x08\x01" + varint(51 << 3 | 4)),
    "tag of more than 32 bits": of_span(b"\xaa\x80\x80\x80\x80\x00\x01x"),
    "packed list cut inside a number": of_metric(sized(9, sized(1, POINT + sized(6, b"\x02" + bytes(6))))),
}


@pytest.mark.parametrize("name", LENIENT)
def test_the_kernel_reads_three_damages_that_protobuf_refuses(name, rules):
    signal = "metrics" if name.startswith("packed") else "traces"
    payloads = [payload(signal, LENIENT[name])]
    assert [bad.reason for bad in reference.decode(payloads, rules).bad_rows] == ["bad_protobuf"]
    assert kernel.decode(payloads, rules).rows.num_rows == 1


def test_a_span_with_a_million_attributes_takes_seconds_not_minutes(rules):
    pairs = b"".join(b"\x4a\x10\x0a\x04k%03d\x12\x08\x0a\x06%06d" % (i % 1000, i) for i in range(1_000_000))
    started = time.process_time()
    decoded = decode.decode([payload("traces", of_span(pairs))], rules)
    assert time.process_time() - started < 15
    assert decoded.rows["attributes"].value_lengths().to_pylist() == [1_000_000]
    assert decoded.rows["attributes"].values[123_456].as_py() == {"key": "k456", "value": "123456"}


def test_many_small_requests_that_repeat_much_are_decoded_a_few_at_a_time(rules, monkeypatch):
    # Each repeats 100 pairs of 5 bytes on 30 rows: 15 kB. All 14 are above the limit of 120 kB, 7 are not.
    monkeypatch.setattr(expansion, "_LIST_LIMIT_BYTES", 120_000)
    resource = sized(1, sized(1, sized(1, b"k")) * 100)
    request = sized(1, resource + sized(2, sized(2, SPAN) * 30))
    read_counts = []
    read = wire.read
    monkeypatch.setattr(wire, "read", lambda signal, data: read_counts.append(len(data)) or read(signal, data))
    decoded = kernel.decode([payload("traces", request) for _ in range(14)], rules)
    assert decoded.rows.num_rows == 14 * 30
    assert read_counts == [14, 7, 7]
