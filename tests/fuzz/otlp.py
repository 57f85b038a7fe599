"""OTLP requests: the fast kernel and the plain decoder make the same of them, alone and in a list."""

from collections.abc import Sequence

from pipelines.decode import Decoded, groups, kernel, reference
from pipelines.decode.rules import Rules
from pipelines.payloads import Encoding, Payload, Signal, payload_id
from tests.decode.kernel_oracle import RECEIVE_TIME_US, assert_same
from tests.fuzz import lenience

RULES = Rules.load(b"fuzz-key")


def check_protobuf(signal: Signal, requests: Sequence[bytes]) -> None:
    """Fails unless both decoders agree on the requests, or differ by one of the known damages."""
    payloads = [_payload(signal, "protobuf", data) for data in requests]
    # What is unusual is decoded apart from its neighbours: together it costs one more pass, not one each.
    payloads.sort(key=lambda payload: not kernel._is_well_formed(payload))
    expected, decoded = reference.decode(payloads, RULES), kernel.decode(payloads, RULES)
    refused = _refused(expected) - _refused(decoded)
    for i in refused:
        assert lenience.damage(signal, payloads[i].data), "only the plain decoder refuses it"
    if refused:
        payloads = [payload for i, payload in enumerate(payloads) if i not in refused]
        expected = reference.decode(payloads, RULES)
        decoded = kernel.decode(payloads, RULES) if payloads else kernel.plainly([], RULES)
    if payloads:
        assert_same(decoded, expected, signal)


def check_json(signal: Signal, documents: Sequence[bytes]) -> None:
    """Fails unless JSON goes through the kernel as through the plain decoder; a bad document is a bad row."""
    payloads = [_payload(signal, "json", data) for data in documents]
    converted, bad_json = groups.as_protobuf(payloads)
    check_protobuf(signal, [payload.data for payload in converted])
    refused = [bad for bad in reference.decode(payloads, RULES).bad_rows if bad.reason == "bad_json"]
    assert refused == bad_json
    for bad in bad_json:
        assert (bad.row_ordinal, bad.data) == (None, documents[bad.payload_index])


def _payload(signal: Signal, encoding: Encoding, data: bytes) -> Payload:
    return Payload(signal, data, encoding, payload_id(data), RECEIVE_TIME_US, "fuzz")


def _refused(decoded: Decoded) -> set[int]:
    """Payloads that are no protobuf."""
    return {bad.payload_index for bad in decoded.bad_rows if bad.reason == "bad_protobuf"}
