"""What the processes of a worker did, added up, as Prometheus metrics."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

DELAY_BOUNDS_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Done:
    """What a process did since it last told: messages acknowledged, their uncompressed bytes, copies that were known
    already, committed batches, rows by table, values by `table.column` that the table has no column for, seconds in
    commits, seconds from publish to commit of each message; when the batch was begun (ns since 1970, UTC), whether it
    held nothing but the worker's own telemetry, and the payloads that were new in it."""

    message_count: int = 0
    byte_count: int = 0
    copy_count: int = 0
    batch_count: int = 0
    row_counts: dict[str, int] = field(default_factory=dict)
    left_out_counts: dict[str, int] = field(default_factory=dict)
    commit_seconds: float = 0.0
    delays: list[float] = field(default_factory=list)
    start_ns: int = 0
    is_own: bool = False
    payload_ids: list[str] = field(default_factory=list)


class Totals(Collector):
    """Sums over all processes since the worker started."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.row_counts: Counter[str] = Counter()
        self.left_out_counts: Counter[str] = Counter()
        self.commit_seconds = 0.0
        self.delay_counts: Counter[float] = Counter()
        self.delay_seconds = 0.0
        self.process_count = 0

    def add(self, done: Done) -> None:
        """Takes what one process told."""
        for name in ("message_count", "byte_count", "copy_count", "batch_count"):
            self.counts[name] += getattr(done, name)
        self.row_counts.update(done.row_counts)
        self.left_out_counts.update(done.left_out_counts)
        self.commit_seconds += done.commit_seconds
        self.delay_seconds += sum(done.delays)
        for delay in done.delays:
            self.delay_counts[next((bound for bound in DELAY_BOUNDS_SECONDS if delay <= bound), float("inf"))] += 1

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        counters = {
            "messages": ("message_count", "Messages committed and acknowledged."),
            "bytes": ("byte_count", "Uncompressed bytes of committed messages."),
            "copies": ("copy_count", "Messages acknowledged without writing: the ledger had them."),
            "batches": ("batch_count", "Committed batches."),
            "restarts": ("restart_count", "Processes started anew after one ended by itself."),
        }
        for name, (key, text) in counters.items():
            yield CounterMetricFamily(f"otelmart_worker_{name}", text, value=self.counts[key])
        rows = CounterMetricFamily(
            "otelmart_worker_rows", "Committed rows; of dead_letters, letters.", labels=["table"]
        )
        for table, count in sorted(self.row_counts.items()):
            rows.add_metric([table], count)
        yield rows
        left_out = CounterMetricFamily(
            "otelmart_worker_left_out_values", "Values the table has no column for.", labels=["table", "column"]
        )
        for place, count in sorted(self.left_out_counts.items()):
            left_out.add_metric(place.split(".", 1), count)
        yield left_out
        yield CounterMetricFamily("otelmart_worker_commit_seconds", "Time in commits.", value=self.commit_seconds)
        yield GaugeMetricFamily("otelmart_worker_processes", "Processes that pull now.", value=self.process_count)
        yield HistogramMetricFamily(
            "otelmart_worker_publish_to_commit_seconds",
            "From a message's publish time to the commit of its batch.",
            buckets=self._buckets(),
            sum_value=self.delay_seconds,
        )

    def _buckets(self) -> list[tuple[str, float]]:
        total, buckets = 0, []
        for bound in (*DELAY_BOUNDS_SECONDS, float("inf")):
            total += self.delay_counts[bound]
            buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
        return buckets
