"""How much of each limited thing a rate needs, which limit it meets first, and what to put there: shards, slots."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.cost.bill import deployed_usd
from pipelines.cost.inputs import DAYS_A_MONTH, Catalog, Figures, Limit
from pipelines.cost.quantities import HISTORY_MONTHS, a_month, build_bytes, dataflow_cpu_ratio, seconds_a_byte

Demand = Callable[[float, Figures, Catalog], float]


@dataclass(frozen=True, slots=True)
class Met:
    """A limit, what a rate needs of it, and the rate at which both are equal."""

    limit: Limit
    needed: float
    at_spans_per_second: float
    figures: tuple[str, ...]
    assumptions: tuple[str, ...]

    @property
    def is_exceeded(self) -> bool:
        return self.needed > self.limit.value


@dataclass(frozen=True, slots=True)
class Size:
    """What one mean rate needs, in whole things."""

    spans_per_second: float
    message_bytes_per_second: float
    write_bytes_per_second: float
    build_bytes_per_day: float
    processes: int
    pull_streams: int
    topics: int
    projects_in_region: int
    projects_in_multi_region: int
    reserved_slots: int
    usd_per_month: float
    met: tuple[Met, ...]

    @property
    def exceeded(self) -> tuple[Met, ...]:
        """Limits that are too small, the one that was met first in front."""
        return tuple(sorted((met for met in self.met if met.is_exceeded), key=lambda met: met.at_spans_per_second))


def _message_bytes(rate: float, figures: Figures, catalog: Catalog) -> float:
    return rate * figures["traces_message_gzip_bytes"]


def _write_bytes(rate: float, figures: Figures, catalog: Catalog) -> float:
    return rate * figures["traces_sent_bytes"]


def _processes(rate: float, figures: Figures, catalog: Catalog) -> float:
    """One process keeps one vCPU busy."""
    spans_a_vcpu = figures["worker_bigquery_pending_cpu"] / catalog.assumed("core_ratio")
    return rate / spans_a_vcpu / catalog.assumed("cpu_target")


def _connections(rate: float, figures: Figures, catalog: Catalog) -> float:
    return _processes(rate, figures, catalog) * catalog.assumed("connections_a_process")


def _new_streams(rate: float, figures: Figures, catalog: Catalog) -> float:
    """PENDING streams an hour."""
    batches = 3600 / catalog.assumed("batch_seconds")
    return _processes(rate, figures, catalog) * batches * catalog.assumed("streams_a_batch")


def _slots(rate: float, figures: Figures, catalog: Catalog) -> float:
    """Slots for the last build of a day, the largest, to end in its share of the time until the next. The days before
    it, and HISTORY_MONTHS of what is read whole, take theirs."""
    dated = (figures["build_seconds"] + figures["build_before_seconds"]) / 1e6
    history = HISTORY_MONTHS * DAYS_A_MONTH * figures["build_history_bytes"] * seconds_a_byte(figures)
    seconds = rate * 86_400 * (dated + history) * catalog.assumed("slot_ratio")
    return seconds / (86_400 / catalog.assumed("builds_a_day") * catalog.assumed("build_share"))


def _dataflow_workers(rate: float, figures: Figures, catalog: Catalog) -> float:
    vcpus = _processes(rate, figures, catalog) * dataflow_cpu_ratio(figures, catalog)
    return vcpus / catalog.assumed("dataflow_minimum_vcpus")


_CPU = ("worker_bigquery_pending_cpu",)
_CPU_ASSUMED = ("core_ratio", "cpu_target")
_SLOTS = ("build_seconds", "build_before_seconds", "build_history_bytes", "build_bytes")
_SLOTS_ASSUMED = ("builds_a_day", "build_share", "slot_ratio")
_MESSAGE, _SENT = ("traces_message_gzip_bytes",), ("traces_sent_bytes",)
# limit → (what a rate needs of it, measured figures, assumptions); each grows in proportion to the rate
DEMANDS: Final[Mapping[str, tuple[Demand, tuple[str, ...], tuple[str, ...]]]] = {
    "pubsub_publish": (_message_bytes, _MESSAGE, ()),
    "pubsub_streaming_pull": (_message_bytes, _MESSAGE, ()),
    "storage_write_region": (_write_bytes, _SENT, ()),
    "storage_write_multi_region": (_write_bytes, _SENT, ()),
    "write_connections_region": (_connections, _CPU, (*_CPU_ASSUMED, "connections_a_process")),
    "write_connections_multi_region": (_connections, _CPU, (*_CPU_ASSUMED, "connections_a_process")),
    "create_write_stream": (_new_streams, _CPU, (*_CPU_ASSUMED, "streams_a_batch", "batch_seconds")),
    "on_demand_slots": (_slots, _SLOTS, _SLOTS_ASSUMED),
    "reservation_slots_region": (_slots, _SLOTS, _SLOTS_ASSUMED),
    "reservation_slots_multi_region": (_slots, _SLOTS, _SLOTS_ASSUMED),
    "dataflow_workers": (_dataflow_workers, _CPU, (*_CPU_ASSUMED, "dataflow_cpu_ratio", "dataflow_minimum_vcpus")),
}


def size(spans_per_second: float, figures: Figures, catalog: Catalog, history_months: float = HISTORY_MONTHS) -> Size:
    """Everything that a mean rate of spans needs."""
    message_bytes = _message_bytes(spans_per_second, figures, catalog)
    write_bytes = _write_bytes(spans_per_second, figures, catalog)
    processes = _whole(_processes(spans_per_second, figures, catalog), catalog.assumed("worker_minimum_vcpus"))
    month = a_month(spans_per_second, history_months)
    read_bytes = build_bytes(month, figures, catalog) / DAYS_A_MONTH
    step = catalog.assumed("slot_step")
    return Size(
        spans_per_second,
        message_bytes,
        write_bytes,
        read_bytes,
        processes,
        max(processes, _whole(message_bytes / catalog.limit("pubsub_stream").value)),
        _whole(message_bytes / catalog.limit("pubsub_publish").value),
        _whole(write_bytes / catalog.limit("storage_write_region").value),
        _whole(write_bytes / catalog.limit("storage_write_multi_region").value),
        round(_whole(_slots(spans_per_second, figures, catalog) / step) * step),
        deployed_usd(month, figures, catalog),
        tuple(limits_met(spans_per_second, figures, catalog)),
    )


def limits_met(spans_per_second: float, figures: Figures, catalog: Catalog) -> list[Met]:
    """Every limit that grows with the rate, the one that is met first in front."""
    met = []
    for key, (demand, figure_keys, assumed) in DEMANDS.items():
        limit = catalog.limit(key)
        at = limit.value / demand(1.0, figures, catalog)
        met.append(Met(limit, demand(spans_per_second, figures, catalog), at, figure_keys, assumed))
    return sorted(met, key=lambda each: each.at_spans_per_second)


@dataclass(frozen=True, slots=True)
class Steady:
    """A limit that more traffic does not bring nearer."""

    limit: Limit
    needed: float
    how: str


def steady_limits(figures: Figures, catalog: Catalog) -> list[Steady]:
    """Limits by message and by schedule."""
    rows = catalog.assumed("rows_a_message")
    loads = 86_400 / catalog.assumed("load_every_seconds")
    return [
        Steady(
            catalog.limit("pubsub_message"),
            rows * figures["traces_message_gzip_bytes"],
            "assumptions.rows_a_message × traces_message_gzip_bytes",
        ),
        Steady(
            catalog.limit("pubsub_stream"),
            figures["traces_message_gzip_bytes"] / _processes(1.0, figures, catalog),
            "what one process takes: traces_message_gzip_bytes × worker_bigquery_pending_cpu × assumptions.cpu_target",
        ),
        Steady(catalog.limit("load_jobs"), loads, "a day / assumptions.load_every_seconds"),
        Steady(catalog.limit("partition_modifications"), 2 * loads, "two dates a load: today and what came late"),
    ]


def _whole(value: float, least: float = 1) -> int:
    return max(math.ceil(least), math.ceil(value))
