"""Shapes that no SDK sends: small ones to start mutation from, and large ones that must stay bounded."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator

import zstandard

from pipelines.decode import messages
from pipelines.payloads import Signal
from tests.decode.test_kernel_hostile import LENIENT, METRICS, SAME, START_NS
from tests.fuzz.mutations import nested, sized, varint

SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
EMPTY_GZIP = gzip.compress(b"", mtime=0)
PATHS = ("../../etc/passwd", "/", "a/../../b", "event_date=2026-01-01", "x\0y", "x\ny", "CON", "*", "~", "a" * 300)


def row(signal: Signal, pairs: bytes) -> bytes:
    """One good span, log record or metric with attributes already encoded (of the point, for a metric)."""
    time = START_NS.to_bytes(8, "little")
    if signal == "traces":
        return sized(1, b"\1" * 16) + sized(2, b"\2" * 8) + b"\x39" + time + _pairs(9, pairs)
    if signal == "logs":
        return b"\x09" + time + _pairs(6, pairs)
    return sized(1, b"m") + sized(5, sized(1, b"\x19" + time + b"\x31" + bytes(8) + _pairs(7, pairs)))


def _pairs(field: int, pairs: bytes) -> bytes:
    return sized(field, pairs) if pairs else b""


def pair(key: bytes, value: bytes) -> bytes:
    """A KeyValue whose AnyValue has these bytes."""
    return sized(1, key) + sized(2, value)


def request(*rows: bytes, resource: bytes = b"", scope: bytes = b"") -> bytes:
    """Rows below one resource and scope, whose attributes are already encoded."""
    of_scope = sized(1, sized(3, scope)) if scope else b""
    of_resource = sized(1, sized(1, resource)) if resource else b""
    return sized(1, of_resource + sized(2, of_scope + b"".join(sized(2, each) for each in rows)))


def small(signal: Signal) -> dict[str, bytes]:
    """Small hostile requests, by what is wrong with them."""
    service = {
        f"service {path!r}": request(row(signal, b""), resource=pair(b"service.name", sized(1, path.encode())))
        for path in PATHS
    }
    deep = {
        f"{levels} levels of {field}": request(row(signal, pair(b"k", nested(levels, field))))
        for levels in (27, 28, 29, 30, 31, 32, 33, 34, 45, 60, 400)
        for field in (5, 6)
    }
    varints = {
        f"varint {n}": request(row(signal, pair(b"k", b"\x18" + varint(n)))) for n in (2**63, 2**64 - 1, 2**64, 2**70)
    }
    known = {**SAME, **LENIENT} if signal == "traces" else METRICS if signal == "metrics" else {}
    return {**service, **deep, **varints, **known, "repeated resource": request(row(signal, b"")) * 50}


def small_json(signal: Signal) -> Iterator[bytes]:
    """Small OTLP/JSON requests: the hostile protobuf ones that JSON can say, and nesting."""
    top, scopes, items = (names[signal] for names in (messages.RESOURCES, messages.SCOPES, messages.ITEMS))
    for levels in (3, 30, 110):
        value: object = {"stringValue": "deep"}
        for _ in range(levels):
            value = {"arrayValue": {"values": [value]}}
        item = {"name": "n", "timeUnixNano": str(START_NS), "attributes": [{"key": "k", "value": value}]}
        yield json.dumps({top: [{scopes: [{items: [item]}]}]}).encode()


def small_bombs() -> list[bytes]:
    """A few hundred bytes that unfold to a megabyte."""
    return [gzip.compress(bytes(1 << 20)), zstandard.compress(bytes(1 << 20)), gzip.compress(bytes(1 << 18)) * 4]


def bomb(codec: str, unfolded_mib: int) -> bytes:
    """A message that unfolds to that many MiB of zeros."""
    mib = bytes(1 << 20)
    folder = zlib.compressobj(9, wbits=31) if codec == "gzip" else zstandard.ZstdCompressor(19).compressobj()
    return b"".join(folder.compress(mib) for _ in range(unfolded_mib)) + folder.flush()


def _million_attributes(signal: Signal) -> bytes:
    field = {"traces": 9, "logs": 6, "metrics": 12}[signal]  # for a metric, its metadata: those of the metric itself
    many = b"".join(sized(field, pair(b"k%03d" % (i % 1000), sized(1, b"%06d" % i))) for i in range(1_000_000))
    return request(row(signal, b"") + many)


def _huge_resource(signal: Signal) -> bytes:
    wide = sized(1, sized(1, pair(b"k", sized(1, b"v" * 1000))) * 1000)
    return sized(1, wide + sized(2, sized(2, row(signal, b"")) * 100_000))


LARGE: dict[str, Callable[[Signal], bytes]] = {
    "a million attributes": _million_attributes,
    "300,000 resources": lambda signal: request(row(signal, b"")) * 300_000,
    "300,000 empty resources": lambda signal: b"\x0a\x00" * 300_000,
    "a megabyte of resource above 100,000 rows": _huge_resource,
    "a value of 32 MiB": lambda signal: request(row(signal, pair(b"k", sized(1, b"v" * (32 << 20))))),
    "5,000 levels": lambda signal: request(row(signal, pair(b"k", nested(5_000)))),
    "a megabyte of 0xff": lambda signal: b"\xff" * (1 << 20),
    "two megabytes of open groups": lambda signal: b"\x0b" * (2 << 20),
    "a megabyte of huge lengths": lambda signal: b"\x0a\xff\xff\xff\xff\x0f" * (1 << 18),
}
