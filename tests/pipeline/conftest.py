"""A source that has every framing and every fate, and a place of its own for each test."""

import gzip
from pathlib import Path

import pytest
import zstandard

from tests.pipeline.telemetry import as_json, delimited, logs, points, receipts, spans, write


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every framing and every fate: 13 files, three signals, two days, a redelivery, bad rows, damage."""
    folder = tmp_path_factory.mktemp("corpus")
    write(folder / "a" / "plain.bin", spans(100))
    write(folder / "a" / "again.bin", spans(100))
    write(folder / "a" / "days.bin.gz", gzip.compress(spans(200) + spans(210, day="2026-11-17")))
    write(folder / "a" / "body.json", as_json(spans(300)))
    write(folder / "b" / "lines.jsonl", as_json(spans(400)) + b"\n" + as_json(spans(410)) + b"\n")
    write(
        folder / "b" / "lines.jsonl.zst", zstandard.compress(as_json(spans(500)) + b"\n" + as_json(spans(510)) + b"\n")
    )
    write(folder / "b" / "frames.pb", delimited(logs(0), points(0), spans(600)))
    write(folder / "b" / "frames.zst", delimited(zstandard.compress(logs(50)), zstandard.compress(points(50))))
    write(folder / "c" / "members.gz", gzip.compress(logs(80)[:40]) + gzip.compress(logs(80)[40:]))
    write(folder / "c" / "bad-row.bin", spans(700, count=3, bad_ordinals=(1,)))
    write(folder / "c" / "torn.pb", delimited(spans(800), spans(810))[:-7])
    write(folder / "c" / "not-otlp.txt", b"hello, I am a text file\n")
    write(folder / "c" / "broken.json", b'{"resourceSpans": [{"scopeSpans": [')
    receipts(folder)
    return folder


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key from the environment and an empty working directory: nothing of the checkout is read or written."""
    monkeypatch.setenv("OTELMART_PRIVACY_KEY", "a key for tests")
    monkeypatch.chdir(tmp_path)
