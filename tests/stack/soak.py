"""`make soak`: the worker from the Pub/Sub emulator into the Storage Write stand-in, for MINUTES, while all goes wrong.

Messages come without pause, many twice, some poison; processes and the worker itself are killed with SIGKILL, and
BigQuery answers with 429, 500, 503 and lost answers. Then the faults go on until everything has arrived. Prints a line
a minute and a summary, and ends with 1 when anything is lost, doubled or unaccounted for. SEED chooses the accidents.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import psutil
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.types import BatchSettings

from pipelines.sinks.storage_write import HOST_VARIABLE
from tests.sinks.storage_service import Fault, StorageService, served
from tests.stack import pubsub_emulator
from tests.stack.pubsub_emulator import PubSub
from tests.stack.test_worker import Worker, corpus, expected, started
from tests.stack.test_worker_bigquery import FAULTS, FAULTY, SINK, assert_whole, span_ids

ROUND_SECONDS = 5.0
ROUND_MESSAGES = 40  # of 5 spans
FAULT_RATIO = 0.1
TWICE_RATIO = 0.3
SECONDS_BETWEEN_KILLS = 30.0
WORKER_KILL_RATIO = 0.3  # the rest are kills of one process
OPTIONS = "--processes", "2", "--batch", "16KiB", "--batch-every", "1s"


@dataclass
class Tally:
    """What was done to the worker, and what is wanted of it."""

    message_count: int = 0
    wanted: list[int] = field(default_factory=list)
    letter_count: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    peak_bytes: int = 0


class Soak:
    """One run. Everything that happens by chance comes from the seed; when it happens, from the machine."""

    def __init__(self, otelmart: str, pubsub: PubSub, seed: int) -> None:
        self._otelmart, self._pubsub = otelmart, pubsub
        self._chance, self._fault_chance = random.Random(seed), random.Random(seed + 1)
        self.service, self.tally = StorageService(), Tally()
        self.service.faults = self._fault
        self._topic, self._subscription = pubsub.topic("soak")
        # a round in one request: what a killed process held comes again a request at a time, a minute apart
        self._publisher = pubsub_v1.PublisherClient(
            BatchSettings(max_messages=1000, max_latency=1.0), transport=pubsub.publisher.transport
        )

    def run(self, host: str, minutes: float) -> list[int]:
        """Returns the spans that did not arrive in time."""
        worker, start = self._worker(host), time.monotonic()
        next_kill, next_line = self._pause(), 60.0
        while (now := time.monotonic() - start) < minutes * 60:
            self._publish()
            if now >= next_kill:
                worker = self._killed(worker, host)
                next_kill = now + self._pause()
            if now >= next_line:
                self._say(now)
                next_line += 60
            self._rest(worker)
        missing = self._missing()
        deadline = start + minutes * 60 + max(300.0, 60.0 * self.tally.kills.total() * 2)
        while (missing or self._is_behind()) and time.monotonic() < deadline:
            if (now := time.monotonic() - start) >= next_line:
                self._say(now)
                next_line += 60
            self._rest(worker)
            missing = self._missing()
        self._say(time.monotonic() - start)
        time.sleep(12)  # the acknowledgement deadline: what was not acknowledged has come again by now
        worker.process.send_signal(signal.SIGTERM)
        worker.process.wait(timeout=120)
        return missing

    def _publish(self) -> None:
        first = 1 + 10_000 * self.tally.message_count
        bodies = corpus(first, ROUND_MESSAGES)
        self.tally.letter_count += len([i for i in range(ROUND_MESSAGES) if i % 20 == 10 or i % 10 == 3])
        self.tally.wanted += expected(first, ROUND_MESSAGES)
        self.tally.message_count += len(bodies)
        bodies += [each for each in bodies if self._chance.random() < TWICE_RATIO]
        self._chance.shuffle(bodies)
        sent = [self._publisher.publish(self._topic, data, **attributes) for data, attributes in bodies]
        for confirmed in sent:
            confirmed.result(timeout=60)

    def _worker(self, host: str) -> Worker:
        worker = started(self._otelmart, self._pubsub.host, self._subscription, SINK, *OPTIONS, **{HOST_VARIABLE: host})
        assert worker.process.stderr
        Thread(target=_drain, args=(worker.process,), daemon=True).start()
        return worker

    def _killed(self, worker: Worker, host: str) -> Worker:
        children = worker.children()
        if children and self._chance.random() > WORKER_KILL_RATIO:
            os.kill(self._chance.choice(children), signal.SIGKILL)
            self.tally.kills["process"] += 1
            return worker
        worker.process.kill()
        worker.process.wait()
        self.tally.kills["worker"] += 1
        return self._worker(host)

    def _fault(self, method: str) -> Fault | None:
        if method not in FAULTY or self._fault_chance.random() > FAULT_RATIO:
            return None
        fault = self._fault_chance.choice([each for each in FAULTS if method == "append_rows" or not each.in_answer])
        assert fault.code
        self.tally.faults[fault.code.name] += 1
        return fault

    def _pause(self) -> float:
        return self._chance.uniform(0.5, 1.5) * SECONDS_BETWEEN_KILLS

    def _rest(self, worker: Worker) -> None:
        end = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < end:
            self._look_at_memory(worker)
            time.sleep(1)

    def _look_at_memory(self, worker: Worker) -> None:
        try:
            top = psutil.Process(worker.process.pid)
            sizes = [each.memory_info().rss for each in (top, *top.children())]
        except psutil.NoSuchProcess:
            return
        self.tally.peak_bytes = max(self.tally.peak_bytes, *sizes)

    def _missing(self) -> list[int]:
        return sorted(set(self.tally.wanted) - set(span_ids(self.service)))

    def _is_behind(self) -> bool:
        """Whether dead letters or ledger entries are still to come."""
        letters = {row["dead_letter_id"] for row in self.service.rows("dead_letters").to_pylist()}
        spans = set(self.service.rows("traces")["payload_id"].to_pylist())
        return len(letters) < self.tally.letter_count or bool(
            spans - set(self.service.rows("ingest_ledger")["payload_id"].to_pylist())
        )

    def _say(self, now: float) -> None:
        tally = self.tally
        print(
            f"{now / 60:5.1f} min  published {len(tally.wanted):,} spans  missing {len(self._missing()):,}  "
            f"kills {tally.kills.total()}  faults {tally.faults.total():,}  peak {tally.peak_bytes / 2**20:.0f} MiB",
            flush=True,
        )


def _drain(process: subprocess.Popen[str]) -> None:
    """What a worker says goes on, so that it never waits for a reader."""
    assert process.stderr
    for line in process.stderr:
        print(line, end="", file=sys.stderr)


def verdict(soak: Soak, missing: list[int]) -> list[str]:
    """What is wrong; empty when all is well. Prints the summary."""
    tally, service = soak.tally, soak.service
    traces = service.rows("traces").select(["payload_id", "row_ordinal", "trace_id"]).to_pylist()
    identities = {(row["payload_id"], row["row_ordinal"]): int(row["trace_id"][-12:], 16) for row in traces}
    doubled_count = len(identities) - len(set(identities.values()))
    letters = {row["dead_letter_id"] for row in service.rows("dead_letters").to_pylist()}
    print(
        f"published {len(tally.wanted):,} spans and {tally.letter_count:,} bad rows and poison in "
        f"{tally.message_count:,} messages\n"
        f"in tables {len(identities):,}, dead letters {len(letters):,}\n"
        f"lost {len(missing)}, doubled after staging {doubled_count}, "
        f"raw duplicates {len(traces) - len(identities):,}\n"
        f"kills {dict(tally.kills)}, faults {dict(tally.faults)} in {sum(service.calls.values()):,} calls\n"
        f"peak RSS of a process {tally.peak_bytes / 2**20:.0f} MiB",
        flush=True,
    )
    wrong = [f"{len(missing)} spans lost, {missing[:5]} first"] if missing else []
    wrong += [f"{doubled_count} spans doubled"] if doubled_count else []
    if len(letters) != tally.letter_count:
        wrong.append(f"{len(letters)} dead letters of {tally.letter_count}")
    try:
        assert_whole(service, sorted(tally.wanted))
    except AssertionError as error:
        wrong.append(f"tables and ledger differ: {str(error).splitlines()[0] if str(error) else 'see assert_whole'}")
    return wrong


def main() -> int:
    minutes, seed = float(os.environ.get("MINUTES", "30")), int(os.environ.get("SEED", "7"))
    print(f"soak of {minutes:g} minutes, seed {seed}", flush=True)
    with pubsub_emulator.emulator() as pubsub:
        soak = Soak(str(Path(sys.executable).parent / "otelmart"), pubsub, seed)
        with served(soak.service) as host:
            missing = soak.run(host, minutes)
    wrong = verdict(soak, missing)
    print("\n".join(wrong) or "all well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
