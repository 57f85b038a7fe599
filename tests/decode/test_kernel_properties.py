"""The kernel equals the plain decoder on random requests, whole and damaged."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import decode
from pipelines.decode import kernel, reference
from pipelines.decode.rules import Compose, Rules
from pipelines.payloads import SIGNALS
from tests.bench import traffic
from tests.decode.kernel_oracle import (
    assert_kernel_equals_reference,
    assert_same,
    assert_screen_tells_the_same,
    payload,
)
from tests.decode.random_otlp import KEYS, random_request

RULES = Rules.load(b"property-key")
MADE = {"traces": traffic.trace_requests, "logs": traffic.log_requests, "metrics": traffic.metric_requests}
INTERESTING = (0, 1, 0x0A, 0x10, 0x12, 0x18, 0x21, 0x2A, 0x32, 0x3A, 0x7F, 0x80, 0xFF)  # tags, lengths, continuations


@pytest.mark.parametrize("signal", SIGNALS)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**64))
def test_random_requests_decode_alike(signal, seed):
    rng = random.Random(seed)
    payloads = [payload(signal, random_request(rng, signal)) for _ in range(rng.randrange(1, 4))]
    assert_kernel_equals_reference(payloads, RULES)


@pytest.mark.parametrize("signal", SIGNALS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**64))
def test_columns_that_share_sources_decode_alike(signal, seed):
    rng = random.Random(seed)
    path = Compose("path_and_query", ("url.path", "url.query"))
    columns = [
        replace(column, sources=tuple(rng.choice((*KEYS, path)) for _ in range(rng.randrange(1, 5))))
        for column in RULES.columns[signal]
    ]
    payloads = [payload(signal, random_request(rng, signal)) for _ in range(3)]
    assert_kernel_equals_reference(payloads, replace(RULES, columns={**RULES.columns, signal: tuple(columns)}))


def test_most_random_requests_make_rows_and_some_bad_ones():
    rng = random.Random(5)
    payloads = [payload("traces", random_request(rng, "traces")) for _ in range(40)]
    decoded = assert_kernel_equals_reference(payloads, RULES)
    assert decoded.rows.num_rows > len(decoded.bad_rows) > 20


@pytest.mark.parametrize("signal", SIGNALS)
def test_usual_requests_are_told_good_without_decoding_them(signal, monkeypatch):
    monkeypatch.delattr(kernel, "decode")
    monkeypatch.delattr(kernel, "plainly")
    payloads = [payload(signal, data) for rows in (1, 200) for data in MADE[signal](4, rows)]
    ((group, found),) = decode.refused_rows(payloads, RULES)
    assert (len(group), found) == (8, [])


@pytest.mark.parametrize("signal", SIGNALS)
def test_damaged_requests_decode_alike(signal):
    rng = random.Random(11)
    whole = [data for rows in (1, 2, 4) for data in MADE[signal](4, rows)]
    whole += [request for request in (random_request(rng, signal) for _ in range(12)) if request]
    lenient_count = 0
    for _ in range(600):
        payloads = [payload(signal, damaged(rng, rng.choice(whole)))]
        expected, decoded = reference.decode(payloads, RULES), kernel.decode(payloads, RULES)
        is_refused = [bad.reason for bad in expected.bad_rows] == ["bad_protobuf"]
        if is_refused and not decoded.bad_rows:
            lenient_count += 1  # one of the three damages that test_kernel_hostile names
        else:
            assert_same(decoded, expected, signal)
            assert_screen_tells_the_same(payloads, decoded, RULES)
    assert lenient_count <= 2


def damaged(rng: random.Random, request: bytes) -> bytes:
    """The request cut off, or with some bytes changed, lost, added or repeated."""
    i, size = rng.randrange(len(request)), rng.randrange(1, 12)
    return rng.choice(
        (
            request[:i],
            request[:i] + bytes([rng.randrange(256)]) + request[i + 1 :],
            request[:i] + bytes([rng.choice(INTERESTING)]) + request[i + 1 :],
            request[:i] + bytes([request[i] ^ 1 << rng.randrange(8)]) + request[i + 1 :],
            request[:i] + request[i + size :],
            request[:i] + rng.randbytes(size) + request[i:],
            request[:i] + b"\xff" * size + request[i:],
            request[: i + size] + request[i:],
        )
    )
