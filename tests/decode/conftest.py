"""Examples of tests/otlp for every decoder: a test with an argument `example` or `invalid_example` runs once a file.

tests/otlp/README.md says how the files are read."""

import json
import math
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format

from pipelines import tables
from pipelines.decode import Decoded, messages, otlp_json
from pipelines.decode.rules import Rules
from pipelines.payloads import SIGNALS, Payload, Signal, payload_id

OTLP = Path(__file__).resolve().parent.parent / "otlp"
RECEIVE_TIME_US = 1_767_312_010_000_000  # 2026-01-02T00:00:10Z
KEY = b"example-key"


@dataclass(frozen=True)
class Example:
    """A request file, as the payload of one delivery, and what its companion file expects of it."""

    path: Path
    payload: Payload
    expected: dict[str, Any]

    @property
    def payloads(self) -> list[Payload]:
        return [self.payload]

    @property
    def signal(self) -> Signal:
        return self.payload.signal


def examples() -> list[Example]:
    """All valid examples, in name order."""
    return [_example(path, path.parent.name, ".rows.json") for path in _requests("*")]


def invalid_examples() -> list[Example]:
    """All requests that cannot be read, in name order."""
    return [_example(path, path.parent.parent.name, ".reason.json") for path in _requests("*/invalid")]


def _requests(folder: str) -> list[Path]:
    found = (path for suffix in ("json", "txtpb", "hex") for path in OTLP.glob(f"{folder}/*.{suffix}"))
    return sorted(path for path in found if not path.name.endswith((".rows.json", ".reason.json")))


def _example(path: Path, signal: str, suffix: str) -> Example:
    assert signal in SIGNALS
    expected = json.loads(path.with_name(path.stem + suffix).read_text())
    data = _READ[path.suffix](signal, path)
    encoding = "json" if path.suffix == ".json" else "protobuf"
    return Example(path, Payload(signal, data, encoding, payload_id(data), RECEIVE_TIME_US, path.name), expected)  # type: ignore[arg-type]


_READ: dict[str, Callable[[Any, Path], bytes]] = {
    ".json": lambda _signal, path: path.read_bytes(),
    ".txtpb": lambda signal, path: text_format.Parse(path.read_text(), messages.REQUESTS[signal]()).SerializeToString(),
    ".hex": lambda _signal, path: bytes.fromhex(path.read_text()),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, load in (("example", examples), ("invalid_example", invalid_examples)):
        if name in metafunc.fixturenames:
            found = load()
            metafunc.parametrize(name, found, ids=[str(e.path.relative_to(OTLP)) for e in found])


@pytest.fixture(scope="session")
def rules() -> Rules:
    """The rules that ship in schemas/, with the key of the examples."""
    return Rules.load(KEY)


@pytest.fixture(scope="session")
def assert_expected() -> Callable[[Example, Decoded], None]:
    """Fails unless a decoder made of an example exactly what its companion file says, in every column."""
    return _assert_expected


def _assert_expected(example: Example, decoded: Decoded) -> None:
    expected = example.expected
    rows = [comparable(row) for row in decoded.rows.to_pylist()]
    wanted = [comparable(_full_row(example, row)) for row in expected.get("rows", [])]
    _replace_series(rows, wanted)
    for i, (row, want) in enumerate(zip(rows, wanted, strict=False)):
        differences = {name: (row.get(name), value) for name, value in want.items() if row.get(name) != value}
        assert not differences, f"row {i}: column → (decoded, expected): {differences}"
    assert len(rows) == len(wanted)
    assert [field.name for field in decoded.rows.schema] == tables.arrow_schema(example.signal).names
    assert decoded.payload_index.to_pylist() == [0] * len(wanted)
    bad_rows = [{"row_ordinal": bad.row_ordinal, "reason": bad.reason} for bad in decoded.bad_rows]
    assert bad_rows == [{k: bad[k] for k in ("row_ordinal", "reason")} for bad in expected.get("bad_rows", [])]
    assert decoded.wrong_type_counts == [expected.get("wrong_type_count", 0)]
    assert decoded.repaired_row_counts == [expected.get("repaired_row_count", 0)]
    for bad, want in zip(decoded.bad_rows, expected.get("bad_rows", []), strict=True):
        if "request" in want:
            _assert_same_request(example.signal, bad.data, want["request"])


def _assert_same_request(signal: Signal, data: bytes, document: dict[str, Any]) -> None:
    wanted = otlp_json.to_protobuf(signal, json.dumps(document).encode())
    assert messages.OFFICIAL[signal].FromString(data) == messages.OFFICIAL[signal].FromString(wanted)


def _full_row(example: Example, sparse: dict[str, Any]) -> dict[str, Any]:
    """A sparse row of a companion file with every column in it."""
    sparse = {**example.expected.get("every_row", {}), **sparse}
    unknown = set(sparse) - set(tables.arrow_schema(example.signal).names)
    assert not unknown, f"no such columns: {unknown}"
    default = {
        "ingest_time": "2026-01-02T00:00:10Z",
        "payload_id": example.payload.payload_id,
        "schema_version": 1,
        **DEFAULTS[example.signal],
    }
    return {
        field.name: _value(field.type, sparse.get(field.name, default.get(field.name)))
        for field in tables.arrow_schema(example.signal)
    }


_COUNTS = {"scope_dropped_attributes_count": 0, "resource_dropped_attributes_count": 0, "flags": 0, "row_ordinal": 0}
DEFAULTS: dict[Signal, dict[str, Any]] = {
    "traces": {
        **_COUNTS,
        "kind": "UNSPECIFIED",
        "status_code": "UNSET",
        "is_unfinished": False,
        "has_clock_skew": False,
        "dropped_attributes_count": 0,
        "dropped_events_count": 0,
        "dropped_links_count": 0,
        "adjusted_count": 1.0,
        "sampling_source": "unknown",
    },
    "logs": {**_COUNTS, "is_time_inferred": False, "severity_number": 0, "dropped_attributes_count": 0},
    "metrics": {**_COUNTS, "has_no_recorded_value": False},
}


def _value(kind: pa.DataType, value: Any) -> Any:
    """A JSON value of a companion file as `to_pylist` gives it."""
    if pa.types.is_list(kind):
        value = value or []
        if pa.types.is_struct(kind.value_type) and kind.value_type.names == ["key", "value"]:
            value = [{"key": key, "value": text} for key, text in value]
        return [_value(kind.value_type, each) for each in value]
    if pa.types.is_struct(kind):
        assert not set(value) - set(kind.names)
        return {field.name: _value(field.type, value.get(field.name)) for field in kind}
    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value)
    if pa.types.is_decimal(kind):
        return Decimal(value)
    return float(value) if pa.types.is_floating(kind) else value


def comparable(value: Any) -> Any:
    """The value with NaN as text, for NaN is not equal to itself, and -0.0 told from 0.0."""
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if isinstance(value, float) and (math.isnan(value) or value == 0):
        return repr(value)
    return value


def _replace_series(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """A `series_id` of a companion file is only a label: equal labels mean equal ids, others different ones."""
    labels: dict[str, str] = {}
    for row, want in zip(rows, wanted, strict=False):
        if "series_id" in row:
            assert len(row["series_id"]) == 32
            row["series_id"] = labels.setdefault(row["series_id"], want["series_id"])
    assert len(set(labels.values())) == len(labels), "rows of different series have one id"


CAPTURED = Path(__file__).resolve().parent.parent / "data" / "captured"
APPS = ("browser-json", "demo-shop", "oscar-old")


@dataclass(frozen=True)
class Captured:
    """What a real application sent, request by request, and the counts its own truth file has of that."""

    app: str
    truth: dict[str, Any]
    payloads: dict[Signal, list[Payload]]


@pytest.fixture(scope="session", params=APPS)
def captured(request: pytest.FixtureRequest) -> Captured:
    """One of the captured applications of tests/data/captured (its README says what they are)."""
    return read_captured(request.param)


def read_captured(app: str) -> Captured:
    with tarfile.open(CAPTURED / f"{app}.tar.xz") as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]
    payloads: dict[Signal, list[Payload]] = {signal: [] for signal in SIGNALS}
    for line in files[f"{app}/manifest.jsonl"].splitlines():
        sent = json.loads(line)
        data = files[f"{app}/{sent['path']}"]
        encoding = "json" if sent["path"].endswith(".json") else "protobuf"
        payloads[sent["signal"]].append(
            Payload(sent["signal"], data, encoding, payload_id(data), sent["received_unix_ns"] // 1000, sent["path"])  # type: ignore[arg-type]
        )
    return Captured(app, json.loads(files[f"{app}/truth.json"]), payloads)
