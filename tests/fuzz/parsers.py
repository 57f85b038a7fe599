"""Every parser of bytes that others made, each with what mutation starts from and the property that must hold."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pipelines.payloads import SIGNALS
from tests.fuzz import config, framed, mutations, names, otlp, seeds, texts


@dataclass(frozen=True)
class Parser:
    """`check` fails on inputs that break the property; it takes `batch` at once, as a list costs less than its parts.

    `share` is the parser's part of all mutated inputs, in thousandths.
    """

    seeds: Callable[[], list[bytes]]
    check: Callable[[Sequence[bytes]], None]
    mutate: mutations.Mutate
    share: int
    batch: int = 32
    words: tuple[bytes, ...] = ()

    def inputs(self, rng: random.Random) -> list[bytes]:
        """The next inputs, decided by the generator's state."""
        found = self.seeds()
        return [self.mutate(rng, rng.choice(found), self.words) for _ in range(self.batch)]


_VALUES = (b"", b"\xff", b"caf\xc3\xa9", bytes(8), bytes(16), b"1e38", b"NaN", b"a@b.example", mutations.nested(30))
_FRAMES = (
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    bytes(4),
    b"\xff\xff\xff\xff",
    b'\n{"resourceLogs":[]}\n',
    b"\n\0",
    b"\0\0\0\2{}",
)
_CSV = (b",", b'"', b"\n", b"\r", b"\0", "²".encode(), b"9" * 5000, b"page_view", b",,,", b"\xef\xbb\xbf")
_YAML = (
    b"&a ", b"*a", b"- ", b": ", b"? ", b"[" * 400, b"{a: ", b"|\n", b'"\\UFFFFFFFF"', b'"\\x"', b"!!int ", b"!!float ",
    b"1.0e+999999999", b"1.0e-999999999", b"0x1F", b".inf", b"1:30", b"\n---\n", b"%YAML 1.1\n---\n", b"<<: ", b"\t",
)  # fmt: skip
_JSON = (
    b"[" * 3000,
    b'{"a":' * 3000,
    b"1e999",
    b"9" * 5000,
    b'"\\ud800"',
    b"NaN",
    b"\xef\xbb\xbf",
    b"null",
    b"{}",
    b"\0",
)
_SIGNS = (
    b"@", b"%40", b"?a=", b"://", b";a=", b"password=", b'"', b"'", b"\\", b"Bearer ", b"eyJabcdef.", b"token=", b"=",
    b"&key=", b"REDACTED", b"abc123def456ghi789jkl012", b"#", b"//u:p@h/", b"(?P<", "İ".encode(), b"api_key: ", b" ",
)  # fmt: skip
_PARTS = (
    b"/",
    b"..",
    b"\xff",
    b"*",
    b"?",
    b"[",
    b"\n",
    b"traces",
    b"event_date=",
    b".parquet",
    b"x" * 90,
    "é".encode(),
)

PARSERS: dict[str, Parser] = {
    **{
        f"protobuf {signal}": Parser(
            partial(seeds.requests, signal),
            partial(otlp.check_protobuf, signal),
            mutations.of_protobuf,
            share,
            batch=128,
            words=_VALUES,
        )
        for signal, share in zip(SIGNALS, (60, 60, 60), strict=True)
    },
    **{
        f"json {signal}": Parser(
            partial(seeds.documents, signal), partial(otlp.check_json, signal), mutations.of_json, 30, 128, _JSON
        )
        for signal in SIGNALS
    },
    "signal": Parser(
        lambda: seeds.requests("traces") + seeds.documents("logs"), texts.check_signals, mutations.of_protobuf, 100
    ),
    "framing": Parser(seeds.files, framed.check_framed, mutations.of_bytes, 170, words=_FRAMES),
    "avro": Parser(seeds.avro_files, framed.check_avro, mutations.of_bytes, 20, words=_FRAMES),
    "compression": Parser(seeds.compressed, framed.check_compressed, mutations.of_bytes, 110, words=_FRAMES),
    "privacy": Parser(
        lambda: [text.encode() for text in seeds.TEXTS], texts.check_privacy, mutations.of_bytes, 110, words=_SIGNS
    ),
    "numbers": Parser(
        lambda: [text.encode() for text in seeds.NUMBERS],
        texts.check_numbers,
        mutations.of_bytes,
        100,
        words=(b"e", b".", b"0" * 50, b"9" * 30, b"-", b"e38", b"e-999999999", b"e999999999"),
    ),
    "rules": Parser(
        partial(seeds.shipped, "schemas/promoted_attributes.json", "schemas/privacy.json"),
        config.check_rules,
        mutations.of_json,
        20,
        words=_JSON,
    ),
    "slos": Parser(partial(seeds.shipped, "dbt/slos/*.yaml"), config.check_slos, mutations.of_bytes, 30, words=_YAML),
    **{
        name: Parser(
            partial(seeds.shipped, f"dbt/seeds/{name}"),
            partial(config.check_seed, name),
            mutations.of_bytes,
            share=20,
            words=_CSV,
        )
        for name in config.SEED_FILES
    },
    "manifest": Parser(lambda: [config.MANIFEST] * 2, config.check_manifest, mutations.of_json, 20, words=_JSON),
    "object names": Parser(
        lambda: [path.encode() for path in names.PATHS], names.check, mutations.of_bytes, 20, 256, _PARTS
    ),
}  # fmt: skip
