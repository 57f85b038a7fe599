"""A real OpenTelemetry Collector with the shipped configuration, between stock senders and `otelmart listen`.

What the senders say they sent is compared, identity by identity, with the lake after the deduplication of staging:
every span, log record and point is there exactly once, also when collector or receiver are killed on the way.
"""

import os
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard

from tests.listen.conftest import SECRET, Listener, Start, starting
from tests.pipeline.telemetry import rows
from tests.stack.gateway import BUILD, CONFIG, NO_GO, ROUNDS, App, Gateway, free_ports, launched_app

pytestmark = pytest.mark.stack
Counts = Counter[tuple[Any, ...]]

# The natural keys by which dbt/models/staging keeps one row.
SPANS = "select trace_id, span_id from (select distinct trace_id, span_id, kind from traces)"
LOGS = """
    select any_value(body) from logs
    group by coalesce(log_record_uid, concat(payload_id, '/', row_ordinal))
"""
POINTS = """
    select
        any_value(metric_name),
        any_value(list_filter(attributes, lambda pair: pair.key = 'shard')[1].value),
        time_unix_nano
    from metrics
    group by series_id, time_unix_nano, coalesce(start_time_unix_nano, 0)
"""


@dataclass
class Identities:
    """What an app says it sent, or a lake holds: how often each."""

    spans: Counts
    logs: Counts
    points: Counts

    def holds(self, others: "Identities") -> bool:
        return self.spans >= others.spans and self.logs >= others.logs and self.points >= others.points

    def totals(self) -> tuple[int, int, int]:
        return self.spans.total(), self.logs.total(), self.points.total()

    def counts(self) -> str:
        return "{} spans, {} log records, {} points".format(*self.totals())


StartGateway = Callable[..., Gateway]
Launch = Callable[[Gateway, str], App]


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder with otelcol and, where it could be built, telemetrygen."""
    done = subprocess.run([str(BUILD)], capture_output=True, text=True)
    if done.returncode == NO_GO:
        pytest.skip(f"{done.stderr.strip()}; with CI=true tests/stack/install fails then")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def start(otelmart: str, tmp_path: Path) -> Iterator[Start]:
    """Starts receivers that load what comes every second."""
    receivers = starting(otelmart, tmp_path)
    begin = next(receivers)
    yield lambda *options: begin("--load-every", "1s", *options)
    next(receivers, None)


@pytest.fixture
def gateway(built: Path, tmp_path: Path) -> Iterator[StartGateway]:
    """Starts a collector into a receiver; nobody answers in Tempo's place unless told otherwise."""
    running: list[Gateway] = []

    def begin(listener: Listener, tempo: str | None = None) -> Gateway:
        folder = tmp_path / "gateway"
        folder.mkdir()
        nobody = f"127.0.0.1:{free_ports(1)[0]}"
        running.append(Gateway(built / "otelcol", folder, listener.http, f"http://{tempo or nobody}"))
        running[-1].start()
        return running[-1]

    yield begin
    for started in running:
        started.kill()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts an app that sends to a collector when it is told to go."""
    launched: list[App] = []

    def begin(collector: Gateway, protocol: str) -> App:
        launched.append(launched_app(collector, protocol, tmp_path / "app.json"))
        return launched[-1]

    yield begin
    for app in launched:
        app.kill()


def test_the_collector_accepts_the_configuration(built: Path, tmp_path: Path) -> None:
    environment = Gateway(built / "otelcol", tmp_path, "http://127.0.0.1:1", "127.0.0.1:1").environment()
    command = [str(built / "otelcol"), "validate", "--config", str(CONFIG)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_everything_sent_is_in_lake_and_archive_and_tempo_gets_a_sample(
    otelmart: str, start: Start, gateway: StartGateway, launch: Launch, tmp_path: Path, protocol: str
) -> None:
    listener, tempo = start(), start("--to", "lake:tempo", "--inbox", "tempo-inbox")
    collector = gateway(listener, tempo.grpc)
    app = launch(collector, protocol)
    app.go(ROUNDS)
    notes = app.finish()
    sent = noted(notes)
    wait_for("all in the lake", lambda: in_lake(listener.lake).holds(sent))
    wait_for(
        "errors and slow ones in Tempo's place", lambda: traces_in(tmp_path / "tempo") >= {*notes["errors_and_slow"]}
    )
    collector.stop()
    listener.stop()
    tempo.stop()

    assert app.errors() == ""
    assert in_lake(listener.lake) == sent
    assert rows(listener.lake, "select count(log_record_uid), count(distinct log_record_uid) from logs") == [
        (1000, 1000)
    ]
    archived = ingested(otelmart, collector.archive, tmp_path / "from-archive")
    assert (archived.spans, archived.logs) == (sent.spans, sent.logs)
    archive = archived_bytes(collector.archive)
    assert [text in archive for text in (b"POST /orders", b"letmein", b"4111 1111")] == [True, False, False]
    sampled = traces_in(tmp_path / "tempo")
    # 10 % of the 920 that are neither failed nor slow: 92, with a standard deviation of 9; six are allowed
    assert 38 < len(sampled - {*notes["errors_and_slow"]}) < 146
    print(
        f"\n{protocol}: {sent.counts()}, each in the lake exactly once; {len(sampled)} of 1000 traces in Tempo's place"
    )


def test_cards_are_masked_and_the_numbers_of_orders_and_payments_are_not(start: Start, gateway: StartGateway) -> None:
    number = "4111111111111111"
    keys = "order.id", "payment.id", "payment.transaction_id", "note"
    listener = start()
    collector = gateway(listener)
    now = str(time.time_ns())
    attributes = [{"key": key, "value": {"stringValue": number}} for key in keys]
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "startTimeUnixNano": now, "attributes": attributes}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert requests.post(f"{collector.http}/v1/traces", json=request, timeout=10).status_code == 200
    wait_for("all in the lake", lambda: in_lake(listener.lake).totals() == (1, 0, 0))
    collector.stop()
    listener.stop()

    found = (
        "order_id, payment_id, payment_transaction_id, list_filter(attributes, lambda pair: pair.key = 'note')[1].value"
    )
    assert rows(listener.lake, f"select {found} from traces") == [(number, number, number, "****")]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_everything_that_telemetrygen_sent_is_in_the_lake(
    built: Path, start: Start, gateway: StartGateway, protocol: str
) -> None:
    """It does not say what it sent, so only counts: 400 traces of two spans, 500 log records, 300 points. Its queue of
    2,048 drops what does not fit, so no more than that."""
    if not (built / "telemetrygen").exists():
        pytest.skip(
            "no telemetrygen: not to be had from this module proxy; with CI=true tests/stack/install fails then"
        )
    listener = start()
    collector = gateway(listener)
    where = {"grpc": [collector.grpc], "http": [collector.http.removeprefix("http://"), "--otlp-http"]}[protocol]
    for signal, count in (("traces", 400), ("logs", 500), ("metrics", 300)):
        command = [str(built / "telemetrygen"), signal, f"--{signal}", str(count), "--rate", "0", "--otlp-insecure"]
        subprocess.run([*command, "--otlp-endpoint", *where], check=True, capture_output=True, timeout=120)
    wait_for("all in the lake", lambda: in_lake(listener.lake).totals() == (800, 500, 300))
    collector.stop()
    listener.stop()

    found = in_lake(listener.lake)
    assert found.totals() == (800, 500, 300)
    print(f"\ntelemetrygen over {protocol}: {found.counts()}, each in the lake exactly once")


def test_a_collector_killed_on_the_way_loses_nothing(start: Start, gateway: StartGateway, launch: Launch) -> None:
    """Killed three times, as soon as a queue changes on disk: before the answer, or in the middle of handing on. A
    request whose answer got lost is sent again, and the records that the gateway names are then named anew; spans,
    points and records with a name of their own count once."""
    listener = start()
    collector = gateway(listener)
    app = launch(collector, "grpc")
    app.go(1)
    app.wait_for_round(1)
    for number, signal in ((2, "traces"), (5, "logs"), (8, "metrics")):
        app.go(3)
        app.wait_for_round(number)
        before_ns = collector.queue_written_ns(signal)
        wait_for("queued", partial(is_written_since, before_ns, collector, signal))
        collector.kill()
        collector.start()
    sent = noted(app.finish())
    wait_for("all in the lake", lambda: in_lake(listener.lake).holds(sent))
    collector.stop()
    listener.stop()

    assert "Transient error" in app.errors()
    found = in_lake(listener.lake)
    assert (found.spans, found.points, set(found.logs)) == (sent.spans, sent.points, set(sent.logs))
    twice = found.logs - sent.logs
    assert [body for (body,) in twice if int(body.split()[1]) % 2] == []
    print(
        f"\ncollector killed 3 times: {sent.counts()}, 0 lost; {twice.total()} records without a name are there twice"
    )


def test_a_receiver_killed_on_the_way_loses_and_doubles_nothing(
    start: Start, gateway: StartGateway, launch: Launch
) -> None:
    """Killed three times, as soon as it has taken something; the app goes on while it is away."""
    listener = start()
    collector = gateway(listener)
    app = launch(collector, "http/protobuf")
    for outage in range(3):
        app.go(2)
        app.wait_for_round(3 * outage + 2)
        wait_for("something taken", partial(has_taken_something, listener))
        kill(listener)
        app.go(1)
        app.wait_for_round(3 * outage + 3)
        listener = start("--http", listener.http.removeprefix("http://"))
    app.go(1)
    sent = noted(app.finish())
    wait_for("all in the lake", lambda: in_lake(listener.lake).holds(sent))
    collector.stop()
    listener.stop()

    assert in_lake(listener.lake) == sent
    [(again,)] = rows(listener.lake, "select count(*) - count(distinct span_id) from traces")
    print(f"\nreceiver killed 3 times: {sent.counts()}, 0 lost, 0 doubled; {again} span rows came again")


def test_a_collector_killed_while_nobody_receives_has_it_all_on_disk(
    start: Start, gateway: StartGateway, launch: Launch
) -> None:
    listener = start()
    collector = gateway(listener)
    kill(listener)
    app = launch(collector, "grpc")
    app.go(ROUNDS)
    sent = noted(app.finish())
    collector.kill()
    collector.start()
    listener = start("--http", listener.http.removeprefix("http://"))
    wait_for("all in the lake", lambda: in_lake(listener.lake).holds(sent))
    collector.stop()
    listener.stop()

    assert in_lake(listener.lake) == sent
    print(f"\ncollector killed with no receiver: {sent.counts()}, 0 lost, 0 doubled")


def is_written_since(before_ns: int, collector: Gateway, signal: str) -> bool:
    return collector.queue_written_ns(signal) != before_ns


def has_taken_something(listener: Listener) -> bool:
    return listener.inbox_files() != []


def kill(listener: Listener) -> None:
    listener.process.kill()
    listener.process.wait()


def noted(notes: dict[str, list[Any]]) -> Identities:
    return Identities(*(Counter(map(tuple, notes[signal])) for signal in ("spans", "logs", "points")))


def in_lake(lake: Path) -> Identities:
    """What is there after deduplication; tables that are not there yet hold nothing."""
    found = []
    for table, query in (("traces", SPANS), ("logs", LOGS), ("metrics", POINTS)):
        is_there = next((lake / table).glob("*/*.parquet"), None)
        found.append(Counter(rows(lake, query) if is_there else []))
    return Identities(*found)


def traces_in(lake: Path) -> set[str]:
    return {trace for trace, _ in in_lake(lake).spans}


def ingested(otelmart: str, archive: Path, lake: Path) -> Identities:
    """What `otelmart ingest` makes of an archive; its files are made ten minutes old: none may still grow."""
    written = time.time() - 600
    for path in archive.rglob("*.otlp"):
        os.utime(path, (written, written))
    command = [otelmart, "ingest", "--from", f"files:{archive}", "--to", f"lake:{lake}", "--runner", "plain"]
    subprocess.run(command, check=True, capture_output=True, env=SECRET | {"PATH": os.environ["PATH"]})
    return in_lake(lake)


def archived_bytes(archive: Path) -> bytes:
    """All messages of an archive: each compressed by itself, behind four bytes of length."""
    found = []
    for data in (path.read_bytes() for path in archive.rglob("*.otlp")):
        while data:
            (length,) = struct.unpack(">I", data[:4])
            found.append(zstandard.decompress(data[4 : 4 + length]))
            data = data[4 + length :]
    assert found
    return b"".join(found)


def wait_for(what: str, is_so: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.002)
