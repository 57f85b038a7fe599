"""The worker against Google's Pub/Sub emulator: nothing lost, nothing doubled, whatever happens to it."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import deflate
import pytest
import requests

from pipelines.listen.topic import attributes
from pipelines.payloads import payload_id
from tests.pipeline.telemetry import logs, points, rows, spans
from tests.stack import pubsub_emulator
from tests.stack.published import put_counts
from tests.stack.pubsub_emulator import PubSub

pytestmark = pytest.mark.stack
SECRET = {"OTELMART_PRIVACY_KEY": "a key for tests"}
STARTED: list[subprocess.Popen[str]] = []  # by the test that runs
AGAIN_SECONDS = 480  # what a killed process held comes again a publish request at a time, up to a minute apart
READY = re.compile(r"health and metrics on (http://\S+)")
KILLED = Path(__file__).parents[1] / "worker" / "killed"
PLACES = [
    "before the first row",
    "between rows",
    "decoded",
    "first part has its name",
    "second part has its name",
    "published",
    "before the ledger",
    "committed",
    "second batch committed",
    "first acknowledgement",
    "routed",
]  # of tests/worker/killed/sitecustomize.py


@pytest.fixture(scope="module")
def pubsub() -> Iterator[PubSub]:
    with pubsub_emulator.emulator() as running:
        yield running


@dataclass
class Worker:
    """A running worker; `url` serves its health and metrics."""

    process: subprocess.Popen[str]
    url: str
    lake: Path = Path()

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", requests.get(f"{self.url}/metrics", timeout=5).text, re.M)
        assert found, name
        return float(found[1])

    def wait_for(self, name: str, at_least: float, seconds: float = 120) -> None:
        """Until a metric has grown so far."""
        deadline = time.monotonic() + seconds
        while self.metric(name) < at_least:
            assert time.monotonic() < deadline, f"{name} is {self.metric(name)} after {seconds} s, want {at_least}"
            assert self.process.poll() is None
            time.sleep(0.1)

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed]

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=90)
        assert self.process.returncode == 0, said
        return said


def start(otelmart: str, host: str, subscription: str, lake: Path, *options: str, **environment: str) -> Worker:
    return replace(started(otelmart, host, subscription, f"lake:{lake}", *options, **environment), lake=lake)


def started(otelmart: str, host: str, subscription: str, sink: str, *options: str, **environment: str) -> Worker:
    process = subprocess.Popen(
        [
            *(otelmart, "worker", "--from", f"pubsub:{subscription}", "--to", sink),
            *("--health", "127.0.0.1:0", "--batch-every", "1s", "--lease", "10s", *options),
        ],
        env=SECRET | {"PATH": os.environ["PATH"], "TZ": "UTC", "PUBSUB_EMULATOR_HOST": host} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    STARTED.append(process)
    assert process.stderr
    said = ""
    for line in iter(process.stderr.readline, ""):
        if ready := READY.search(line):
            return Worker(process, ready[1])
        said += line
    raise AssertionError(said)


def message(signal_name: str, data: bytes) -> tuple[bytes, dict[str, str]]:
    return bytes(deflate.gzip_compress(data, 1)), attributes(signal_name)  # type: ignore[arg-type]


def corpus(first: int, count: int) -> list[tuple[bytes, dict[str, str]]]:
    """Messages of 5 spans, ids from `first`; every 20th is followed by poison, every 10th has a span without time."""
    found = []
    for i in range(count):
        if i % 20 == 10:
            found.append(message("traces", b"\x0a\xff poison %d" % (first + i)))
        bad = (2,) if i % 10 == 3 else ()
        found.append(message("traces", spans(first + 5 * i, count=5, day=f"2026-11-{16 + i % 3}", bad_ordinals=bad)))
    return found


def spans_of(lake: Path) -> list[int]:
    if not next((lake / "traces").glob("*/*.parquet"), None):
        return []
    return [i for (i,) in rows(lake, "select cast(('0x' || right(trace_id, 12)) as bigint) from traces order by 1")]


def expected(first: int, count: int) -> list[int]:
    return [first + 5 * i + n for i in range(count) for n in range(5) if not (n == 2 and i % 10 == 3)]


def ledger(otelmart: str, lake: Path) -> dict[str, object]:
    done = subprocess.run(
        [otelmart, "ledger", "--lake", str(lake), "--verify", "--json"], capture_output=True, text=True
    )
    return json.loads(done.stdout)


def assert_whole(otelmart: str, lake: Path, first: int, count: int) -> None:
    """Every span published is in the lake or a dead letter, once, and the ledger says so of the publisher's counts."""
    assert spans_of(lake) == expected(first, count)
    letters = rows(
        lake, "select reason, count(distinct dead_letter_id), count(*) from dead_letters group by 1 order by 1"
    )
    bad = len([i for i in range(count) if i % 10 == 3])
    poison = len([i for i in range(count) if i % 20 == 10])
    assert [(reason, distinct) for reason, distinct, _ in letters] == [
        ("bad_protobuf", poison),
        ("start_time_unknown", bad),
    ]
    put_counts(lake, corpus(first, count))
    assert unexplained(otelmart, lake) == 0


def unexplained(otelmart: str, lake: Path) -> int:
    """Of a lake with the publisher's counts, for each date that it has rows of."""
    found = ledger(otelmart, lake)
    assert [line for line in found["lines"] if line["outside"] is None] == []  # type: ignore[attr-defined]
    return int(found["unexplained"])  # type: ignore[call-overload]


def test_three_signals_reach_their_tables_and_sigterm_ends_with_0(
    otelmart: str, pubsub: PubSub, tmp_path: Path
) -> None:
    topic, subscription = pubsub.topic("signals")
    sent = [message("traces", spans(1, 3)), message("logs", logs(1, 4)), message("metrics", points(1, 5))]
    published = [*sent, (spans(100, 2), {}), *sent]
    pubsub.publish(topic, published)
    worker = start(otelmart, pubsub.host, subscription, tmp_path / "lake", "--processes", "2")
    worker.wait_for("otelmart_worker_messages_total", 7)
    assert requests.get(f"{worker.url}/readyz", timeout=5).text == "2 of 2 processes pull\n"
    assert requests.get(f"{worker.url}/healthz", timeout=5).status_code == 200
    worker.stop()

    assert rows(worker.lake, "select count(distinct span_id) from traces") == [(5,)]
    assert rows(worker.lake, "select count(distinct body) from logs") == [(4,)]
    assert rows(worker.lake, "select count(distinct time) from metrics") == [(5,)]
    source = f"pubsub:{subscription}"
    assert rows(worker.lake, "select distinct engine, source from ingest_ledger") == [("worker", source)]
    put_counts(worker.lake, published)
    assert unexplained(otelmart, worker.lake) == 0
    assert list((worker.lake / "_plans" / "writers").iterdir()) == []


def test_a_message_that_comes_again_to_another_process_is_written_once(
    otelmart: str, pubsub: PubSub, tmp_path: Path
) -> None:
    topic, subscription = pubsub.topic("again")
    bodies = [message("traces", spans(1 + 5 * i, 5)) for i in range(40)]
    worker = start(otelmart, pubsub.host, subscription, tmp_path / "lake", "--processes", "2", "--batch", "1KiB")
    for times in (1, 2, 3):
        pubsub.publish(topic, bodies)
        worker.wait_for("otelmart_worker_messages_total", 40 * times)
    assert worker.metric("otelmart_worker_copies_total") == 80
    worker.stop()

    assert spans_of(worker.lake) == list(range(1, 201))
    put_counts(worker.lake, bodies)
    assert unexplained(otelmart, worker.lake) == 0
    put_counts(worker.lake, [message("traces", spans(1001, 5))])  # as if one more had been published
    assert unexplained(otelmart, worker.lake) == 5


def test_processes_killed_at_every_named_place_lose_and_double_nothing(
    otelmart: str, pubsub: PubSub, tmp_path: Path
) -> None:
    """Each place with a topic, a lake and a worker of its own; they mostly wait for Pub/Sub to send again."""
    with ThreadPoolExecutor(4) as pool:
        runs = {place: pool.submit(killed_at, place, otelmart, pubsub, tmp_path) for place in PLACES}
    for place, run in runs.items():
        run.result()
        print(f"killed at {place!r}: 600 spans published, 0 lost, 0 doubled, unexplained 0")


def killed_at(place: str, otelmart: str, pubsub: PubSub, tmp_path: Path) -> None:
    number = PLACES.index(place)
    topic, subscription = pubsub.topic(f"kill-{number}")
    pubsub.publish(topic, corpus(1, 120))
    mark = tmp_path / f"killed-{number}"
    lake = tmp_path / f"lake-{number}"
    environment = {"PYTHONPATH": str(KILLED), "KILL_AT": place, "KILL_MARK": str(mark)}
    worker = start(otelmart, pubsub.host, subscription, lake, "--batch", "4KiB", **environment)
    worker.wait_for("otelmart_worker_restarts_total", 1)
    deadline = time.monotonic() + AGAIN_SECONDS
    while len(set(spans_of(lake))) < len(expected(1, 120)):
        assert time.monotonic() < deadline, f"{place}: only {len(set(spans_of(lake)))} spans"
        time.sleep(1)
    worker.stop()

    assert mark.exists()
    assert_whole(otelmart, lake, 1, 120)


def test_kills_at_random_and_every_message_twice(otelmart: str, pubsub: PubSub, tmp_path: Path) -> None:
    """20 kills of processes and of the worker itself, while messages come.

    Four kills a subscription: the emulator takes its time to send again what a killed process held (AGAIN_SECONDS).
    """
    with ThreadPoolExecutor(5) as pool:
        runs = [pool.submit(killed_at_random, seed, otelmart, pubsub, tmp_path / str(seed)) for seed in range(5)]
    found = [run.result() for run in runs]
    span_count, raw_duplicates = map(sum, zip(*found, strict=True))
    print(f"{span_count} spans, each sent twice, 20 kills: 0 lost, {raw_duplicates} raw duplicates, all in the ledger")


def killed_at_random(seed: int, otelmart: str, pubsub: PubSub, lake: Path) -> tuple[int, int]:
    """Spans published, and raw duplicates among their rows; a process is killed three times, then the worker."""
    topic, subscription = pubsub.topic(f"random-{seed}")
    chance = random.Random(seed)
    options = "--processes", "2", "--batch", "16KiB"
    worker = start(otelmart, pubsub.host, subscription, lake, *options)
    published = []
    for kill in range(4):
        bodies = corpus(kill * 500 + 1, 25) * 2
        published += bodies
        chance.shuffle(bodies)
        pubsub.publish(topic, bodies)
        time.sleep(chance.uniform(0.1, 2.5))
        if kill == 3 or not worker.children():
            worker.process.kill()
            worker.process.communicate()
            worker = start(otelmart, pubsub.host, subscription, lake, *options)
        else:
            os.kill(chance.choice(worker.children()), signal.SIGKILL)
    want = sorted(i for kill in range(4) for i in expected(kill * 500 + 1, 25))
    deadline = time.monotonic() + AGAIN_SECONDS
    while set(spans_of(lake)) != set(want) and time.monotonic() < deadline:
        time.sleep(1)
    time.sleep(12)  # the acknowledgement deadline: what was not acknowledged has come again by now
    worker.stop()

    spans_there = spans_of(lake)
    assert sorted(set(spans_there)) == want
    put_counts(lake, published)
    assert unexplained(otelmart, lake) == 0
    found = ledger(otelmart, lake)
    raw_duplicates = len(spans_there) - len(want)
    assert raw_duplicates == sum(line["duplicates"] for line in found["lines"])  # type: ignore[attr-defined]
    return len(want), raw_duplicates


@pytest.mark.parametrize(("forgotten_seconds", "fewest_restarts"), [(0, 0), (20, 1)], ids=["at once", "later"])
def test_an_emulator_that_is_killed_and_forgets_loses_nothing_that_is_sent_again(
    otelmart: str, tmp_path: Path, forgotten_seconds: int, fewest_restarts: int
) -> None:
    """Pub/Sub goes while messages are pulled; topic and subscription come back, and what the ledger lacks is sent.

    A process that finds its subscription gone ends with one line, and the next one starts.
    """
    bodies, lake = corpus(1, 120), tmp_path / "lake"
    with pubsub_emulator.emulator() as first:
        topic, subscription = first.topic("restarted")
        worker = start(otelmart, first.host, subscription, lake, "--processes", "2", "--batch", "4KiB")
        first.publish(topic, bodies[:60])
        worker.wait_for("otelmart_worker_messages_total", 10)
        first.publish(topic, bodies[60:90])
        first.process.kill()
        first.process.wait()
    time.sleep(5)  # what was pulled is committed
    committed = {identity for (identity,) in rows(lake, "select distinct payload_id from ingest_ledger")}
    with pubsub_emulator.emulator(int(first.host.rpartition(":")[2])) as second:
        time.sleep(forgotten_seconds)
        second.topic("restarted")
        again = [each for each in bodies if payload_id(gzip.decompress(each[0])) not in committed]
        second.publish(topic, again)
        deadline = time.monotonic() + 120
        while set(spans_of(lake)) != set(expected(1, 120)):
            assert time.monotonic() < deadline, f"{len(set(spans_of(lake)))} spans"
            time.sleep(1)
        restart_count = worker.metric("otelmart_worker_restarts_total")
        said = worker.stop()
    put_counts(lake, bodies)
    assert unexplained(otelmart, lake) == 0
    found = ledger(otelmart, lake)
    assert 30 <= len(again) < len(bodies)
    assert len(spans_of(lake)) - len(expected(1, 120)) == sum(line["duplicates"] for line in found["lines"])  # type: ignore[attr-defined]
    assert restart_count >= fewest_restarts
    assert said.count("NotFound: ") == said.count("a process ended with 1") == restart_count
    assert "Traceback" not in said, said
    print(f"{len(committed)} payloads before, {len(again)} sent again, {restart_count:.0f} restarts; {said!r}")


def test_a_worker_is_stopped_while_its_emulator_is_away(otelmart: str, tmp_path: Path) -> None:
    """Google's client waits in its threads for a connection: none of them may say so with a traceback."""
    with pubsub_emulator.emulator() as gone:
        topic, subscription = gone.topic("gone")
        worker = start(otelmart, gone.host, subscription, tmp_path / "lake", "--processes", "2", "--batch", "4KiB")
        gone.publish(topic, corpus(1, 60))
        worker.wait_for("otelmart_worker_messages_total", 10)
        gone.process.kill()
        gone.process.wait()
        time.sleep(3)
        said = worker.stop()
    assert all(line.startswith("otelmart worker: ") for line in said.splitlines()), said
    assert ledger(otelmart, tmp_path / "lake")["unexplained"] == 0  # what the emulator forgot was counted by nobody


def test_a_lost_part_is_unexplained(otelmart: str, pubsub: PubSub, tmp_path: Path) -> None:
    topic, subscription = pubsub.topic("lost-part")
    pubsub.publish(topic, corpus(1, 20))
    worker = start(otelmart, pubsub.host, subscription, tmp_path / "lake")
    worker.wait_for("otelmart_worker_messages_total", 20)
    worker.stop()
    next((worker.lake / "traces").rglob("*.parquet")).unlink()

    assert ledger(otelmart, worker.lake)["unexplained"] != 0


@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        (
            "projects/otelmart/topics/none",
            1,
            "otelmart: projects/otelmart/topics/none: NotFound: Topic not found: "
            "make it: gcloud pubsub topics create none --project otelmart\n",
        ),
        (
            "projects/otelmart/subscriptions/none",
            2,
            "otelmart: pubsub:projects/otelmart/subscriptions/none is no topic: "
            "write pubsub:projects/PROJECT/topics/NAME\n",
        ),
    ],
)
def test_a_listener_without_its_topic_does_not_start(
    otelmart: str, pubsub: PubSub, tmp_path: Path, place: str, code: int, said: str
) -> None:
    done = subprocess.run(
        [otelmart, "listen", "--to", f"pubsub:{place}", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
        cwd=tmp_path,
        env=SECRET | {"PATH": os.environ["PATH"], "PUBSUB_EMULATOR_HOST": pubsub.host},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (code, said)


def test_doctor_looks_at_the_topic_of_a_listener(otelmart: str, pubsub: PubSub) -> None:
    def found(place: str) -> tuple[int, list[dict[str, str]]]:
        done = subprocess.run(
            [otelmart, "doctor", "--to", f"pubsub:{place}", "--json"],
            env={"PATH": os.environ["PATH"], "PUBSUB_EMULATOR_HOST": pubsub.host},
            capture_output=True,
            text=True,
        )
        return done.returncode, json.loads(done.stdout)

    topic, _ = pubsub.topic("doctor")
    assert found(topic) == (0, [{"what": f"topic {topic}", "state": "ok", "text": ""}])
    code, (line,) = found("projects/otelmart/topics/none")
    assert (code, line["state"]) == (1, "failed")
    assert line["text"].endswith("make it: gcloud pubsub topics create none --project otelmart")


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--from", "pubsub:projects/otelmart/subscriptions/none"], 1, "pubsub subscriptions create none"),
        (["--from", "pubsub:projects/otelmart/topics/none"], 2, "is no subscription: write pubsub:projects/"),
        (["--from", "files:x"], 2, "unknown scheme 'files'"),
        (["--from", "pubsub:projects/otelmart/subscriptions/filtered"], 1, "make a subscription without a filter"),
    ],
)
def test_a_mistake_is_one_line_with_the_cure(
    otelmart: str, pubsub: PubSub, tmp_path: Path, options: list[str], code: int, text: str
) -> None:
    if "filtered" in options[1]:
        pubsub.topic("filtered", filter='attributes.x = "1"')
    done = subprocess.run(
        [otelmart, "worker", *options, "--health", "127.0.0.1:0"],
        cwd=tmp_path,
        env=SECRET | {"PATH": os.environ["PATH"], "PUBSUB_EMULATOR_HOST": pubsub.host},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_listen_publishes_what_the_worker_takes(otelmart: str, pubsub: PubSub, tmp_path: Path) -> None:
    """OTLP/HTTP → Pub/Sub → lake; the answer comes after Pub/Sub's confirmation, so kill -9 loses nothing answered."""
    topic, subscription = pubsub.topic("listen")
    listener = subprocess.Popen(
        [otelmart, "listen", "--to", f"pubsub:{topic}", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
        cwd=tmp_path,
        env=SECRET | {"PATH": os.environ["PATH"], "PUBSUB_EMULATOR_HOST": pubsub.host},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listener.stderr
    address = re.search(r"OTLP/HTTP on (\S+),", listener.stderr.readline())
    assert address
    large = spans(1_000_001, 400_000, day="2026-11-17")  # 33 MB: random enough for several messages
    for body in (*(spans(10 * i + 1, 10) for i in range(50)), large):
        answer = requests.post(
            f"{address[1]}/v1/traces", data=body, headers={"Content-Type": "application/x-protobuf"}, timeout=60
        )
        assert answer.status_code == 200, answer.content
    listener.kill()
    listener.communicate()
    worker = start(otelmart, pubsub.host, subscription, tmp_path / "lake")
    deadline = time.monotonic() + 120
    while len(spans_of(worker.lake)) < 400_500:
        assert time.monotonic() < deadline
        time.sleep(1)
    worker.stop()

    assert sorted(spans_of(worker.lake)) == [*range(1, 501), *range(1_000_001, 1_400_001)]
