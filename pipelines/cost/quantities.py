"""What some traffic uses of each priced thing: bytes, byte-months, hours. One function a component of the bill."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.cost.inputs import (
    DAYS_A_MONTH,
    GIB,
    SECONDS_A_MONTH,
    Catalog,
    Figures,
)

HISTORY_MONTHS: Final = 12.0
SIGNALS: Final = ("traces", "logs", "metrics")
LOAD_TABLES: Final = len(SIGNALS)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are paid for together. `seconds` they take to come, for what is paid by the hour; None: a share of it.

    `history_months` each row is kept. At a steady rate that is also what a month's bill for all that is kept comes to.
    """

    traces: float
    logs: float = 0.0
    metrics: float = 0.0
    seconds: float | None = None
    history_months: float = HISTORY_MONTHS

    @property
    def total(self) -> float:
        return self.traces + self.logs + self.metrics

    def weighed(self, figures: Figures, name: str) -> float:
        """Bytes of all rows: each signal's `SIGNAL_name`."""
        counts = {"traces": self.traces, "logs": self.logs, "metrics": self.metrics}
        return sum(count * figures[f"{signal}_{name}"] for signal, count in counts.items() if count)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of one priced thing, with the keys it was computed from."""

    price: str
    amount: float
    figures: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()


Component = Callable[[Rows, Figures, Catalog], Iterator[Quantity]]


def a_million(signal: str = "traces", history_months: float = HISTORY_MONTHS) -> Rows:
    """A million rows of one signal within traffic large enough that machines are shared."""
    return Rows(**{"traces": 0.0, signal: 1e6}, history_months=history_months)


def a_month(
    spans_per_second: float,
    history_months: float = HISTORY_MONTHS,
    logs_per_span: float = 0.0,
    points_per_span: float = 0.0,
) -> Rows:
    """A month of a mean rate."""
    spans = spans_per_second * SECONDS_A_MONTH
    return Rows(spans, spans * logs_per_span, spans * points_per_span, SECONDS_A_MONTH, history_months)


def pubsub(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """Every byte is paid when published and when delivered."""
    yield Quantity("pubsub_throughput", 2 * rows.weighed(figures, "message_gzip_bytes"), ("*_message_gzip_bytes",))


def worker(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """vCPUs by CPU seconds a span, and for each the memory of one process."""
    keys = ("worker_bigquery_pending_cpu", "worker_bigquery_pending_peak")
    hours = _vcpu_hours(rows, cpu_hours(rows, figures, catalog), catalog.assumed("worker_minimum_vcpus"))
    assumed = ("core_ratio", "cpu_target", "worker_minimum_vcpus")
    yield Quantity("worker_vcpu", hours, keys[:1], assumed)
    yield Quantity("worker_memory", hours * figures["worker_bigquery_pending_peak"] * 2**20, keys, assumed)


def cpu_hours(rows: Rows, figures: Figures, catalog: Catalog) -> float:
    """vCPU-hours of the worker, with what is left free for peaks. A log record or point counts as a span."""
    seconds = rows.total / figures["worker_bigquery_pending_cpu"] * catalog.assumed("core_ratio")
    return seconds / 3600 / catalog.assumed("cpu_target")


def dataflow_cpu_ratio(figures: Figures, catalog: Catalog) -> float:
    """CPU of the Beam job over plain functions for the same rows: measured on one machine's runner, else assumed.

    Below 1 the measurement is noise: the job does what the functions do, and more.
    """
    key = "lake_beam_over_plain"
    return max(1.0, figures[key]) if key in figures else catalog.assumed("dataflow_cpu_ratio")


def dataflow_streaming(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    yield from _dataflow(rows, figures, catalog, "dataflow_streaming", "dataflow_streaming_engine")


def dataflow_batch(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    yield from _dataflow(rows, figures, catalog, "dataflow_batch", "dataflow_shuffle")


def default_stream(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """Storage Write: PENDING streams cost the same."""
    yield Quantity("bigquery_storage_write", rows.weighed(figures, "sent_bytes"), ("*_sent_bytes",))


def load_jobs(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """Parquet in Cloud Storage until it is loaded; the load itself is free."""
    lake_bytes = rows.weighed(figures, "lake_bytes")
    keys = ("*_lake_bytes",)
    yield Quantity("bigquery_load_job", lake_bytes, keys)
    staged = lake_bytes * catalog.assumed("staging_days") / DAYS_A_MONTH
    yield Quantity("gcs_standard", staged, keys, ("staging_days",))
    loads = (rows.seconds or 0.0) / catalog.assumed("load_every_seconds") * LOAD_TABLES
    assumed = ("load_every_seconds", "load_objects")
    yield Quantity("gcs_class_a", loads * catalog.assumed("load_objects"), (), assumed)


def storage_logical(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """Raw tables and models, by logical bytes."""
    yield from _stored(rows, _held(rows, figures), catalog, "logical", ("*_logical_bytes", "models_logical_bytes"))


def storage_physical(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """The same by compressed bytes: BigQuery's are unknown, so Parquet's ratio of the raw rows stands in for all."""
    keys = ("*_logical_bytes", "*_lake_bytes", "models_logical_bytes")
    logical = rows.weighed(figures, "logical_bytes")
    ratio = rows.weighed(figures, "lake_bytes") / logical if logical else 0.0
    held = _held(rows, figures) * ratio * (1 + catalog.assumed("changed_ratio"))
    yield from _stored(rows, held, catalog, "physical", keys)


def archive(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """The lake as Parquet in Cloud Storage, in the class that its age allows."""
    left = rows.history_months
    lake_bytes = rows.weighed(figures, "lake_bytes")
    for name in ("standard", "nearline", "coldline"):
        key = f"archive_{name}_months"
        months = min(left, catalog.assumed(key))
        left -= months
        yield Quantity(f"gcs_{name}", lake_bytes * months, ("*_lake_bytes",), (key,))
    yield Quantity("gcs_archive", lake_bytes * left, ("*_lake_bytes",))


@dataclass(frozen=True, slots=True)
class Rebuilds:
    """How often all builds together go through the whole of a date, through the days before it that models reach, and
    through those after it."""

    own: float
    before: float
    after: float

    def of(self, figures: Figures, name: str) -> float:
        """A span's `build_NAME`, through all of them."""
        own, before, after = (figures[key] for key in around(name))
        return self.own * own + self.before * before + self.after * after


def around(name: str) -> tuple[str, str, str]:
    """Keys of the figures of a build: of its date, of the days before, of the days after."""
    return f"build_{name}", f"build_before_{name}", f"build_after_{name}"


def rebuilds(catalog: Catalog) -> Rebuilds:
    """The n builds of a day see 1/n, 2/n, ... of it, whole days before it and none after it; then what came late."""
    builds, late = catalog.assumed("builds_a_day"), catalog.assumed("late_rebuilds")
    return Rebuilds((builds + 1) / 2 + late, builds + late, late)


def history_bytes(rows: Rows, figures: Figures, catalog: Catalog) -> float:
    """What builds read of all days there are: each row, by every build for as long as it is kept."""
    builds = rows.history_months * DAYS_A_MONTH * catalog.assumed("builds_a_day")
    return rows.traces * figures["build_history_bytes"] * builds


def build_bytes(rows: Rows, figures: Figures, catalog: Catalog) -> float:
    """What builds are charged for: bytes read, and those of partitions replaced."""
    times, replaced_reads = rebuilds(catalog), catalog.assumed("replaced_reads")
    dated = times.of(figures, "bytes") + replaced_reads * times.of(figures, "replaced_bytes")
    return rows.traces * dated + history_bytes(rows, figures, catalog)


def builds_on_demand(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """Bytes that builds are charged for; in small traffic the least that each query pays for a table."""
    builds = (rows.seconds or 0.0) / 86_400 * catalog.assumed("builds_a_day")
    least = builds * figures["build_table_reads"] * catalog.assumed("minimum_read_bytes")
    keys = (*around("bytes"), *around("replaced_bytes"), "build_history_bytes", "build_table_reads")
    assumed = ("builds_a_day", "late_rebuilds", "replaced_reads", "minimum_read_bytes")
    yield Quantity("bigquery_on_demand", max(build_bytes(rows, figures, catalog), least), keys, assumed)


def builds_slots(rows: Rows, figures: Figures, catalog: Catalog) -> Iterator[Quantity]:
    """Slot-hours, a slot taken as one model's thread on DuckDB; in small traffic one step of slots for each build.

    History takes as long a byte as the dates do.
    """
    seconds = rows.traces / 1e6 * rebuilds(catalog).of(figures, "seconds")
    seconds += history_bytes(rows, figures, catalog) * seconds_a_byte(figures)
    builds = (rows.seconds or 0.0) / 86_400 * catalog.assumed("builds_a_day")
    least = builds * catalog.assumed("slot_step") * catalog.assumed("build_minimum_seconds")
    keys = (*around("seconds"), "build_history_bytes", "build_bytes")
    assumed = ("builds_a_day", "late_rebuilds", "slot_ratio", "slot_step", "build_minimum_seconds")
    hours = max(seconds * catalog.assumed("slot_ratio"), least) / 3600
    yield Quantity("bigquery_slot_standard", hours, keys, assumed)


def seconds_a_byte(figures: Figures) -> float:
    """What a byte that a model reads takes here."""
    return figures["build_seconds"] / 1e6 / figures["build_bytes"]


COMPONENTS: Final[Mapping[str, Component]] = {
    "pubsub": pubsub,
    "worker": worker,
    "dataflow_streaming": dataflow_streaming,
    "dataflow_batch": dataflow_batch,
    "default_stream": default_stream,
    "load_jobs": load_jobs,
    "storage_logical": storage_logical,
    "storage_physical": storage_physical,
    "builds_on_demand": builds_on_demand,
    "builds_slots": builds_slots,
    "archive": archive,
}


def _vcpu_hours(rows: Rows, hours: float, minimum_vcpus: float) -> float:
    """Whole vCPUs for as long as rows come; without a time, the share that the rows take."""
    if rows.seconds is None:
        return hours
    return max(minimum_vcpus, math.ceil(hours / (rows.seconds / 3600))) * rows.seconds / 3600


def _dataflow(rows: Rows, figures: Figures, catalog: Catalog, kind: str, mover: str) -> Iterator[Quantity]:
    cpu = cpu_hours(rows, figures, catalog) * dataflow_cpu_ratio(figures, catalog)
    is_always_on = kind == "dataflow_streaming"
    least = catalog.assumed("dataflow_minimum_vcpus")
    hours = _vcpu_hours(rows, cpu, least) if is_always_on else cpu
    key = "lake_beam_over_plain"
    measured = ("worker_bigquery_pending_cpu", *((key,) if key in figures else ()))
    assumed = ("core_ratio", "cpu_target", *(() if key in figures else ("dataflow_cpu_ratio",)))
    yield Quantity(f"{kind}_vcpu", hours, measured, (*assumed, "dataflow_minimum_vcpus"))
    memory = hours * catalog.assumed("dataflow_memory") * GIB
    yield Quantity(f"{kind}_memory", memory, measured, (*assumed, "dataflow_memory"))
    moved = rows.weighed(figures, "message_gzip_bytes") * catalog.assumed("dataflow_passes")
    yield Quantity(mover, moved, ("*_message_gzip_bytes",), ("dataflow_passes",))
    disk = hours / least * catalog.assumed("dataflow_disk") * GIB
    yield Quantity("dataflow_disk", disk, measured, (*assumed, "dataflow_disk", "dataflow_minimum_vcpus"))


def _held(rows: Rows, figures: Figures) -> float:
    """Logical bytes that stay: the rows, and what the models make of them."""
    return rows.weighed(figures, "logical_bytes") + rows.traces * figures["models_logical_bytes"]


def _stored(rows: Rows, held: float, catalog: Catalog, billing: str, keys: tuple[str, ...]) -> Iterator[Quantity]:
    active_months = min(rows.history_months, catalog.assumed("active_days") / DAYS_A_MONTH)
    assumed = ("active_days", *(("changed_ratio",) if billing == "physical" else ()))
    yield Quantity(f"bigquery_active_{billing}", held * active_months, keys, assumed)
    yield Quantity(f"bigquery_long_term_{billing}", held * (rows.history_months - active_months), keys, assumed)
