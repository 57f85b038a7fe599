"""OTLP/HTTP: what is taken is in the lake, what is not gets the status and body that OTLP asks for."""

import asyncio
import gzip
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard
from aiohttp import web
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from pipelines.decode.rules import Rules
from pipelines.listen import http
from pipelines.listen.inbox import Inbox
from pipelines.listen.intake import Intake
from pipelines.sources.compression import Limits
from tests.listen.conftest import Listener, Start, starting
from tests.pipeline.telemetry import as_json, logs, points, rows, spans

JSON = "application/json"


def test_every_signal_encoding_and_compression_is_in_the_lake_once(start: Start) -> None:
    listener = start()
    as_zstd = zstandard.ZstdCompressor().compress
    answers = [
        listener.post("traces", spans(1)),
        listener.post("traces", spans(1)),  # the same again, as a retry is
        listener.post("traces", gzip.compress(spans(10)), Content_Encoding="gzip"),
        listener.post("traces", as_zstd(spans(20)), Content_Encoding="zstd"),
        listener.post("traces", as_json(spans(30)), JSON),
        listener.post("traces", gzip.compress(as_json(spans(40))), f"{JSON}; charset=utf-8", Content_Encoding="gzip"),
        listener.post("logs", logs(1, count=3)),
        listener.post("metrics", points(1, count=4)),
        listener.post("metrics", b""),
        listener.post("logs", b"{}", JSON),
    ]
    listener.stop()

    assert [answer.status_code for answer in answers] == [200] * 10
    assert [answer.content for answer in answers[:8]] == [b"", b"", b"", b"", b"{}", b"{}", b"", b""]
    ids = "select cast(('0x' || right(trace_id, 4)) as int) as id from traces group by all order by id"
    assert [i for (i,) in rows(listener.lake, ids)] == [1, 2, 10, 11, 20, 21, 30, 31, 40, 41]
    assert rows(listener.lake, "select count(*) from logs") == [(3,)]
    assert rows(listener.lake, "select count(*) from metrics") == [(4,)]
    assert listener.inbox_files() == []


def test_a_body_that_came_compressed_waits_as_it_came(start: Start) -> None:
    listener = start()
    body = gzip.compress(spans(1, count=200))
    assert listener.post("traces", body, Content_Encoding="gzip").status_code == 200
    (waiting,) = listener.inbox_files()
    assert waiting.read_bytes() == len(body).to_bytes(4, "big") + body
    listener.stop()
    assert rows(listener.lake, "select count(*), count(distinct payload_id) from traces") == [(200, 1)]


def test_a_message_as_large_as_was_allowed_is_loaded(start: Start) -> None:
    listener = start("--max-message", "80MiB")
    request = ExportTraceServiceRequest.FromString(spans(1))
    request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="note").value.string_value = "x" * (65 << 20)
    assert listener.post("traces", request.SerializeToString()).status_code == 200
    listener.stop()
    assert rows(listener.lake, "select count(*) from traces") == [(2,)]


def test_rows_that_cannot_be_rows_are_counted_in_the_answer_and_become_dead_letters(start: Start) -> None:
    listener = start()
    answer = listener.post("traces", spans(1, count=5, bad_ordinals=(1, 3)))
    as_text = listener.post("traces", as_json(spans(50, count=2, bad_ordinals=(0,))), JSON)
    listener.stop()

    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 2)
    assert told.error_message.startswith("start_time_unknown: ")
    assert as_text.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert rows(listener.lake, "select count(*) from traces") == [(4,)]
    assert rows(listener.lake, "select reason, count(*) from dead_letters group by all") == [("start_time_unknown", 3)]


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory, otelmart: str) -> Any:
    """One that takes 1 MB at most, for requests it must refuse."""
    place = tmp_path_factory.mktemp("refusals")
    for start in starting(otelmart, place):
        yield start("--max-message", "1MB", "--memory", "2MB", "--cors-origin", "http://localhost:3000")


LARGE = spans(1, count=18_000)


@pytest.mark.parametrize(
    ("status", "path", "data", "headers", "text"),
    [
        (400, "traces", b"\x0a\xffno", {}, "the bytes are not a protobuf ExportTraceServiceRequest"),
        (400, "traces", b'{"resourceSpans": [', {"Content-Type": JSON}, "JSON"),
        (400, "traces", spans(1), {"Content-Type": JSON}, "the body is no json, which its content type says it is"),
        (400, "traces", logs(1), {}, "the body holds logs and was sent where traces go"),
        (400, "traces", spans(1), {"Content-Encoding": "gzip"}, "the body is no gzip"),
        (400, "traces", gzip.compress(spans(1))[:-9], {"Content-Encoding": "gzip"}, "stop before their end"),
        (413, "traces", LARGE, {}, "the body is larger than 1000000 bytes: send smaller batches, or raise --max-"),
        (413, "traces", gzip.compress(LARGE), {"Content-Encoding": "gzip"}, "unfolds to more than the 1000000 bytes"),
        (413, "logs", gzip.compress(bytes(9_000_000)), {"Content-Encoding": "gzip"}, "unfold to more than"),
        (415, "traces", spans(1), {"Content-Type": "text/plain"}, "send application/x-protobuf or application/json"),
        (415, "traces", spans(1), {"Content-Encoding": "br"}, "content encoding 'br': send gzip, zstd or none"),
    ],
    ids=[
        "no protobuf",
        "no JSON",
        "protobuf called JSON",
        "logs sent to traces",
        "plain called gzip",
        "cut gzip",
        "too large",
        "too large unfolded",
        "bomb",
        "unknown type",
        "unknown compression",
    ],
)
def test_a_refusal_has_its_status_and_says_why_in_the_encoding_asked(
    listener: Listener, status: int, path: str, data: bytes, headers: dict[str, str], text: str
) -> None:
    sent = {"Content-Type": "application/x-protobuf"} | headers
    answer = requests.post(f"{listener.http}/v1/{path}", data=data, headers=sent, timeout=20)

    assert len(LARGE) > 1_000_000
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == (
        JSON if sent["Content-Type"] != "application/x-protobuf" else sent["Content-Type"]
    )
    is_json = answer.headers["Content-Type"] == JSON
    told = json_format.Parse(answer.text, Status()) if is_json else Status.FromString(answer.content)
    assert text in told.message


def test_a_body_of_unknown_length_is_stopped_at_the_limit(listener: Listener) -> None:
    pieces = (bytes([0x0A]) * 100_000 for _ in range(20))
    assert listener.post("traces", pieces).status_code == 413


def test_what_says_that_it_is_too_large_is_told_so_before_it_is_sent(listener: Listener) -> None:
    head = _head("Content-Length: 999999999")
    with _connected(listener) as client:
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 413"


def test_bodies_without_a_length_hold_what_has_come_of_them(listener: Listener) -> None:
    """Node's exporter may send so; 2 MB of memory is room for two of the largest."""
    head = _head("Transfer-Encoding: chunked")
    with ExitStack() as open_ones:
        for _ in range(20):
            open_ones.enter_context(_connected(listener)).sendall(f"{head}2\r\n\n\x00\r\n".encode())
        assert listener.post("traces", iter([spans(1)])).status_code == 200
        assert listener.post("traces", b"").status_code == 200


def test_clients_that_go_away_or_send_no_http_leave_no_traceback(start: Start) -> None:
    listener = start()
    head = _head("Content-Length: 100")
    for sent in (f"{head}few", f"GET / HTTP/1.1\r\nX: {'x' * 10_000}\r\n\r\n", "no http\r\n\r\n"):
        with _connected(listener) as client:
            client.sendall(sent.encode())
    assert listener.post("traces", spans(1)).status_code == 200
    assert "Traceback" not in listener.stop()


def _head(length: str) -> str:
    return f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n{length}\r\n\r\n"


def _connected(listener: Listener) -> socket.socket:
    host, port = listener.http.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_other_paths_and_methods_are_refused(listener: Listener) -> None:
    assert requests.post(f"{listener.http}/v1/profiles", timeout=5).status_code == 404
    assert requests.get(f"{listener.http}/v1/traces", timeout=5).status_code == 405
    assert requests.get(f"{listener.http}/healthz", timeout=5).text == "ok\n"


def test_pages_of_allowed_origins_may_send_and_others_may_not(listener: Listener) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    url = f"{listener.http}/v1/traces"
    allowed = requests.options(url, headers=asked | {"Origin": "http://localhost:3000"}, timeout=5)
    other = requests.options(url, headers=asked | {"Origin": "http://evil.example"}, timeout=5)
    sent = listener.post("traces", spans(1), Origin="http://localhost:3000")

    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Content-Type" in allowed.headers["Access-Control-Allow-Headers"]
    assert other.status_code == 403
    assert "Access-Control-Allow-Origin" not in other.headers
    assert sent.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_more_than_the_memory_is_told_to_come_again(listener: Listener) -> None:
    head = _head("Content-Length: 999000")
    with _connected(listener) as first, _connected(listener) as second:
        for held in (first, second):
            held.sendall(head.encode())
        while (answer := listener.post("traces", spans(1, count=100))).status_code == 200:
            pass
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "5"
    while listener.post("traces", spans(1)).status_code == 429:
        pass


def test_with_a_token_only_its_bearers_may_send(start: Start) -> None:
    listener = start(environment={"OTELMART_LISTEN_TOKEN": "secret"})
    assert listener.post("traces", spans(1)).status_code == 401
    assert listener.post("traces", spans(1), Authorization="Bearer guess").status_code == 401
    assert listener.post("traces", spans(1), Authorization=b"Bearer \xff\xfe").status_code == 401
    assert listener.post("traces", spans(1), Authorization="Bearer secret").status_code == 200


def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.2)

    async def slow() -> bytes:
        intake = Intake(Inbox(tmp_path), Rules.load(b"key"), 1 << 20)
        runner = web.AppRunner(http.application(intake, Limits(1 << 20), http.Access()), auto_decompress=False)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        answer = await reader.read()
        writer.close()
        await runner.cleanup()
        return answer

    answer = asyncio.run(slow())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body took more than 0 s to come" in answer
