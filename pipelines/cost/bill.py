"""Quantities × prices: what each component costs, alone and together, and where another way becomes cheaper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipelines.cost.inputs import SECONDS_A_MONTH, UNITS, Catalog, Figures
from pipelines.cost.quantities import COMPONENTS, Quantity, Rows, a_million, a_month

DEPLOYED: Final = ("pubsub", "worker", "default_stream", "storage_logical", "builds_on_demand")

ALTERNATIVES: Final = (
    ("pubsub",),
    ("worker", "dataflow_streaming"),
    ("default_stream", "load_jobs"),
    ("storage_logical", "storage_physical"),
    ("builds_on_demand", "builds_slots"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What one component pays for one priced thing."""

    component: str
    quantity: Quantity
    usd: float


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where two ways cost the same. `value` in `unit`; `meaning` says what lies on either side."""

    name: str
    value: float
    unit: str
    meaning: str
    keys: tuple[str, ...]


def bill(rows: Rows, figures: Figures, catalog: Catalog, components: Iterable[str] = COMPONENTS) -> list[Line]:
    """USD of every component; alternatives stand side by side, so only some of them belong together.

    Free tiers count for traffic that takes time (a month), not for a million rows within other traffic.
    """
    return [
        Line(name, quantity, catalog.price(quantity.price).cost_usd(quantity.amount, rows.seconds is not None))
        for name in components
        for quantity in COMPONENTS[name](rows, figures, catalog)
    ]


def by_component(lines: Iterable[Line]) -> dict[str, float]:
    """USD of each component."""
    totals: dict[str, float] = {}
    for line in lines:
        totals[line.component] = totals.get(line.component, 0.0) + line.usd
    return totals


def deployed_usd(rows: Rows, figures: Figures, catalog: Catalog) -> float:
    """USD of the components that deploy/ puts together."""
    return sum(line.usd for line in bill(rows, figures, catalog, DEPLOYED))


def cheapest_usd(rows: Rows, figures: Figures, catalog: Catalog) -> float:
    """USD of the cheaper one of each of ALTERNATIVES."""
    totals = by_component(bill(rows, figures, catalog))
    return sum(min(totals[name] for name in names) for names in ALTERNATIVES)


def break_evens(figures: Figures, catalog: Catalog) -> list[BreakEven]:
    """Spans a second, or ratios, at which the cheaper way changes."""
    return [
        _free_until("pubsub_throughput", 2, "traces_message_gzip_bytes", figures, catalog),
        _free_until("bigquery_storage_write", 1, "traces_sent_bytes", figures, catalog),
        _stream_against_load(figures, catalog),
        _logical_against_physical(catalog),
        _on_demand_against_slots(figures, catalog),
    ]


def _free_until(price_key: str, times: int, figure_key: str, figures: Figures, catalog: Catalog) -> BreakEven:
    """The rate whose bytes, paid `times` times, are the free ones of a month."""
    price = catalog.price(price_key)
    free_bytes = price.free * UNITS[price.unit]
    rate = free_bytes / (times * figures[figure_key] * SECONDS_A_MONTH)
    meaning = f"below it the free {free_bytes / UNITS['GiB']:,.0f} GiB a month are enough"
    return BreakEven(f"{price_key} is free", rate, "spans/s", meaning, (figure_key, f"prices.{price_key}"))


def _stream_against_load(figures: Figures, catalog: Catalog) -> BreakEven:
    """Load jobs pay for their number, then for bytes that wait; the default stream for bytes beyond the free tier."""
    fixed_usd, with_one = (_load_usd(a_month(rate), figures, catalog) for rate in (0.0, 1.0))
    price = catalog.price("bigquery_storage_write")
    stream_usd = figures["traces_sent_bytes"] * SECONDS_A_MONTH / UNITS[price.unit] * price.usd  # of 1 span/s
    rate = (fixed_usd + price.free * price.usd) / (stream_usd - (with_one - fixed_usd))
    return BreakEven(
        "default stream and load jobs cost the same",
        rate,
        "spans/s",
        "above it load jobs are cheaper, rows then show a minute later and on slots without promise",
        ("traces_sent_bytes", "traces_lake_bytes", "prices.bigquery_storage_write", "prices.gcs_class_a"),
    )


def _load_usd(rows: Rows, figures: Figures, catalog: Catalog) -> float:
    return sum(line.usd for line in bill(rows, figures, catalog, ["load_jobs"]))


def _logical_against_physical(catalog: Catalog) -> BreakEven:
    physical, logical = catalog.price("bigquery_active_physical"), catalog.price("bigquery_active_logical")
    return BreakEven(
        "logical and physical billing cost the same",
        physical.usd / logical.usd,
        "logical bytes/physical byte",
        "where rows compress better, billing by physical bytes is cheaper",
        ("prices.bigquery_active_physical", "prices.bigquery_active_logical"),
    )


def _on_demand_against_slots(figures: Figures, catalog: Catalog) -> BreakEven:
    usd = by_component(bill(a_million(), figures, catalog, ("builds_on_demand", "builds_slots")))
    return BreakEven(
        "on-demand builds and slots cost the same",
        usd["builds_on_demand"] / usd["builds_slots"],
        "slot seconds/second measured here",
        "while BigQuery takes fewer slot seconds than that for what DuckDB did in one, slots are cheaper",
        ("build_*seconds", "build_*bytes", "prices.bigquery_on_demand", "prices.bigquery_slot_standard"),
    )
