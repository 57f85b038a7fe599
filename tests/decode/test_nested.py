"""Lists and maps of AnyValues as compact JSON, read at once; the exact decoder is left what is unusual in them."""

import math
import random

import pyarrow as pa
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from pipelines.decode import messages, nested, scalars, values, wire
from tests.decode import random_otlp


def any_value(value):
    made = AnyValue()
    if isinstance(value, dict):
        made.kvlist_value.SetInParent()
        for key, each in value.items():
            made.kvlist_value.values.add(key=key).value.CopyFrom(any_value(each))
    elif isinstance(value, list):
        made.array_value.SetInParent()
        made.array_value.values.extend(any_value(each) for each in value)
    elif value is not None:
        kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
        setattr(made, kind, value)
    return made


def texts_of(*made):
    return nested.any_value_texts(pa.array([each.SerializeToString() for each in made], pa.binary())).to_pylist()


READ_AT_ONCE = {
    "{}": {},
    "[]": [],
    '{"event":"order.placed","order":{"id":"7","total":1.5,"lines":3},"ok":true}': {
        "event": "order.placed",
        "order": {"id": "7", "total": 1.5, "lines": 3},
        "ok": True,
    },
    '[1,-1,"a",null,[],{"k":false}]': [1, -1, "a", None, [], {"k": False}],
    r'{"say \"hi\"":"C:\\temp\n\u0001"}': {'say "hi"': "C:\\temp\n\x01"},
    '["NaN","Infinity","-Infinity",-0.0,1e+16,"NaN"]': [math.nan, math.inf, -math.inf, -0.0, 1e16, "NaN"],
    '{"é":"€😀\ufffd"}': {"é": "€😀\ufffd"},
    '["' + "x" * 300 + '"]': ["x" * 300],
}


@pytest.fixture
def no_exact_decoder(monkeypatch):
    monkeypatch.setattr(values, "exact_text", lambda _raw: pytest.fail("left to the exact decoder"))


@pytest.mark.usefixtures("no_exact_decoder")
def test_usual_lists_and_maps_are_read_at_once():
    assert texts_of(*map(any_value, READ_AT_ONCE.values())) == list(READ_AT_ONCE)


def test_of_a_key_twice_in_a_map_the_last_counts_in_the_place_of_the_first():
    made = any_value({"a": 1, "b": 2})
    made.kvlist_value.values.add(key="a").value.int_value = 3
    assert texts_of(made, any_value({"a": 1})) == ['{"a":3,"b":2}', '{"a":1}']


def test_bytes_and_deep_values_inside_others_keep_their_text():
    with_bytes, deep = any_value({"a": "b"}), any_value([[[[[[["deep"]]]]]]])
    with_bytes.kvlist_value.values.add(key="raw").value.bytes_value = b"\x00\xff"
    assert texts_of(with_bytes, deep) == ['{"a":"b","raw":"AP8="}', '[[[[[[["deep"]]]]]]]']


@pytest.mark.parametrize("group", ["0b1801", "0bb4d7e4bc99b19901", "0f"])
def test_what_official_parsers_refuse_inside_a_list_is_unusual(group):
    with_group = bytes.fromhex("0a021801") + bytes.fromhex(group)
    raw = bytes([0x2A, len(with_group)]) + with_group
    with pytest.raises(wire.Unusual):
        nested.any_value_texts(pa.array([raw], pa.binary()))


@pytest.mark.parametrize("seed", range(20))
def test_random_values_have_the_text_of_the_exact_decoder(seed):
    rng = random.Random(seed)
    made = [random_otlp.random_any_value(rng) for _ in range(200)]
    expected = [scalars.any_value_text(messages.AnyValue.FromString(each.SerializeToString())) for each in made]
    assert texts_of(*made) == expected
