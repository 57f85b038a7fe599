"""What mutation starts from: captured OTLP, the examples of tests/, random requests, and the files that are shipped."""

import gzip
import json
import random
from functools import cache

import zstandard

from pipelines.payloads import Payload, Signal
from pipelines.tables import SCHEMAS
from tests.bench import traffic
from tests.decode import conftest as examples
from tests.decode.kernel_oracle import payload as payload
from tests.decode.random_otlp import random_request
from tests.fuzz import hostile
from tests.pipeline.test_avro import METADATA, avro

REPO = SCHEMAS.parent
MAX_BYTES = 12 << 10  # small inputs are many, and rows repeat
MADE = {"traces": traffic.trace_requests, "logs": traffic.log_requests, "metrics": traffic.metric_requests}


@cache
def requests(signal: Signal) -> list[bytes]:
    """Protobuf requests of a signal."""
    rng = random.Random(7)
    made = [data for rows in (1, 2, 4) for data in MADE[signal](4, rows)]
    drawn = [random_request(rng, signal) for _ in range(60)]
    odd = list(hostile.small(signal).values())
    return [data for data in [*_sent(signal, "protobuf"), *made, *drawn, *odd] if 0 < len(data) <= MAX_BYTES]


@cache
def documents(signal: Signal) -> list[bytes]:
    """OTLP/JSON requests of a signal."""
    return [data for data in _sent(signal, "json") if len(data) <= MAX_BYTES] + list(hostile.small_json(signal))


def _sent(signal: Signal, encoding: str) -> list[bytes]:
    """Captured and example requests in one encoding; those of no application more than 40."""
    found: list[Payload] = [e.payload for e in [*examples.examples(), *examples.invalid_examples()]]
    for app in examples.APPS:
        found += examples.read_captured(app).payloads[signal][:40]
    return [each.data for each in found if (each.signal, each.encoding) == (signal, encoding)]


@cache
def files() -> list[bytes]:
    """Whole files: single requests, JSON lines, messages with their length, plain and compressed."""
    one, *others = requests("traces")[:4]
    lines = b"\n".join(json.dumps(json.loads(d)).encode() for d in documents("logs")[:3] if _is_json(d))
    delimited = b"".join(len(d).to_bytes(4, "big") + d for d in (one, *others))
    folded = gzip.compress(others[0])
    mixed = b"".join(len(d).to_bytes(4, "big") + d for d in (folded, one, zstandard.compress(one)))
    plain = [one, documents("traces")[0], lines, delimited, mixed, b"", b"{}", b"\n\n", b"{}\n" * 9]
    return [*plain, *map(gzip.compress, plain), *map(zstandard.compress, plain)]


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


@cache
def compressed() -> list[bytes]:
    """gzip and zstd data: one and several members, with padding, skippable frames, and bombs."""
    text = requests("logs")[0]
    pieces = [gzip.compress(text), gzip.compress(b""), zstandard.compress(text), zstandard.compress(b"")]
    joined = [pieces[0] * 3, pieces[0] + b"\0" * 9, pieces[2] * 3, hostile.SKIPPABLE + pieces[2], pieces[2] + pieces[0]]
    return [*pieces, *joined, *hostile.small_bombs(), text]


@cache
def avro_files() -> list[bytes]:
    """Archives of Pub/Sub's Cloud Storage subscriptions, with metadata and without, of one block and several."""
    one, two = requests("traces")[0], gzip.compress(requests("logs")[0])
    return [
        avro(*messages, fields=fields, codec=codec, sync_interval=100)
        for messages in ((), (one,), (one, two, b""))
        for fields in (METADATA, METADATA[-1:])
        for codec in ("null", "deflate")
    ]


@cache
def shipped(*names: str) -> list[bytes]:
    """Files of the repository, by glob below its root."""
    return [path.read_bytes() for name in names for path in sorted(REPO.glob(name))]


TEXTS = (
    "GET /cart?id=7&token=abc123def456ghi789jkl012#top",
    "https://ann:secret@shop.example.org:8080/a;b=c/9f86d081884c7d659a2feaa0c55ad015?q=1",
    "select * from users where email = 'ann@example.com' and password = ?",
    'login failed for bob%40example.org: {"api_key": "k-123", "access_token": "eyJhbGciOi.eyJzdWIiOi.c2ln"}',
    "Authorization: Bearer abcdef0123456789.abc~/+=",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "(?P<pk>\\d+)/REDACTED@host é€😀 \ufffd",
)
NUMBERS = ("0", "-7", "+12", "1.5", ".5", "5.", "1e-9", "1e28", "9" * 30, "NaN", "-Infinity", "0" * 40 + "1", "1e-400")
