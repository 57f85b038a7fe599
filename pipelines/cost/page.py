"""deploy/cost/README.md: the model's answers as Markdown, every number with the keys it was computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipelines.cost import choices
from pipelines.cost.bill import DEPLOYED, bill, by_component, cheapest_usd, deployed_usd
from pipelines.cost.choices import BASE, SIZES
from pipelines.cost.inputs import SECONDS_A_MONTH, Catalog, Figures, catalog, figures
from pipelines.cost.quantities import COMPONENTS, HISTORY_MONTHS, SIGNALS, a_million, a_month
from pipelines.cost.text import named, number, source, table, usd

VOLUMES: Final = (10, 100, 1_000, 10_000, 100_000)
HISTORIES: Final = (1, 12, 36)  # months
LABELS: Final = {
    "pubsub": "Pub/Sub, published and delivered",
    "worker": "Worker on GKE nodes",
    "dataflow_streaming": "Dataflow streaming, instead of the worker",
    "dataflow_batch": "Dataflow batch, instead of the worker",
    "default_stream": "Storage Write, default or pending streams",
    "load_jobs": "Load jobs, instead of streams",
    "storage_logical": "BigQuery storage, logical billing",
    "storage_physical": "BigQuery storage, physical billing instead",
    "builds_on_demand": "Mart builds, on demand",
    "builds_slots": "Mart builds, slots instead",
    "archive": "Lake in Cloud Storage, optional",
}


def page(bench: Mapping[str, Any], prices: Mapping[str, Any]) -> str:
    """Markdown of bench.json and prices.yaml, both parsed; the same inputs, the same bytes. Raises UsageError."""
    measured, listed = figures(bench), catalog(prices)
    sections = (
        _opening(measured, listed),
        _a_million(measured, listed),
        _a_month(measured, listed),
        _volume(measured, listed),
        _history(measured, listed),
        choices.engines(measured, listed),
        choices.writing(measured, listed),
        choices.break_evens(measured, listed),
        choices.growth(measured, listed),
        choices.limits(measured, listed),
        _measured(measured),
        _listed(listed),
        _assumed(listed),
    )
    return "\n\n".join(sections) + "\n"


def _opening(measured: Figures, listed: Catalog) -> str:
    dates = sorted({price.as_of for price in listed.prices.values()})
    return f"""# What it costs

<!-- Rendered by otelmart cost --page deploy/cost from .otelmart/bench.json and prices.yaml: do not edit. -->

**Nothing here was run on Google Cloud.** Bytes, rows and CPU were measured on one machine (`make bench`,
`make bench-worker`), and are multiplied by list prices of us-central1 dated {dates[0]} to {dates[-1]}. Your traffic:
`otelmart cost --spans-per-second N`. The last column of each table names what its numbers come from: a bare name is a
key of `bench.json` ([measured.json](measured.json) is the copy that this page was rendered from), with `*` all keys of
that form (of traces, logs and metrics, say); `prices.`, `limits.` and `assumptions.` are sections of
[prices.yaml](prices.yaml). All of them stand at the end of this page.

Weaker than a bill:

- The benchmarks' traffic repeats itself more than most: its gzip and Parquet are small. The bytes as sent and the
  logical bytes, which dominate, depend on it less.
- A worker's CPU is that of spans; a log record or metric point is taken to cost as much.
- **Dataflow** is taken to need the worker's CPU, its own overhead is unknown:
  {_dataflow_ratio(measured)}.
- **Builds**: the bytes that a model reads are those of the columns that its SQL names, once a query, in the demo's
  data, which has many small models over few rows; how many users a span it has decides what is read whole. Each model
  is counted as if it read all its inputs for all the days around that it declares. BigQuery itself was never asked.
- **Slots** are taken to be as fast as one model's thread on DuckDB here.
- BigQuery's **physical** bytes are unknown: Parquet's compression of the raw rows stands in for them, for models too.
- Left out: network between regions, the GKE control plane, the pod that runs dbt, dbt's tests (once a day, of what
  the nightly build replaced), dashboards' and people's queries, logging, taxes, discounts, commitments."""


def _dataflow_ratio(measured: Figures) -> str:
    if "lake_beam_over_plain" in measured:
        ratio = number(measured["lake_beam_over_plain"])
        return f"times `lake_beam_over_plain`, Beam's on one machine, {ratio}, or 1 where that is less"
    return "times `assumptions.dataflow_cpu_ratio`, as `lake_beam_over_plain` was not measured (`make bench`)"


def _a_million(measured: Figures, listed: Catalog) -> str:
    totals = {signal: by_component(bill(a_million(signal, HISTORY_MONTHS), measured, listed)) for signal in SIGNALS}
    origins = _origins(measured, listed)
    rows = [[LABELS[name], *(usd(totals[signal][name]) for signal in SIGNALS), origins[name]] for name in COMPONENTS]
    rows.append(
        ["**As deployed**", *(f"**{usd(_sum(totals[signal], DEPLOYED))}**" for signal in SIGNALS), _deployed_origin()]
    )
    return f"""## A million rows

Within traffic large enough to share machines, without free tiers, kept {HISTORY_MONTHS:.0f} months. Builds are counted
to spans: the demo's logs and metrics come along with them.

{table(["component", "spans", "log records", "metric points", "from"], rows)}"""


def _a_month(measured: Figures, listed: Catalog) -> str:
    months = {rate: by_component(bill(a_month(rate, HISTORY_MONTHS), measured, listed)) for rate in SIZES}
    origins = _origins(measured, listed)
    rows = [[LABELS[name], *(usd(months[rate][name]) for rate in SIZES), origins[name]] for name in COMPONENTS]
    rows.append(
        ["**As deployed**", *(f"**{usd(_sum(months[rate], DEPLOYED))}**" for rate in SIZES), _deployed_origin()]
    )
    cheapest = [usd(cheapest_usd(a_month(rate), measured, listed)) for rate in SIZES]
    rows.append(["Cheapest of each pair", *cheapest, "physical billing only if BigQuery compresses as Parquet does"])
    return f"""## A month

Mean spans a second, no logs or metrics; free tiers count, machines are whole, {HISTORY_MONTHS:.0f} months are kept.

{table(["component", *(f"{rate:,} spans/s" for rate in SIZES), "from"], rows)}"""


def _volume(measured: Figures, listed: Catalog) -> str:
    rows = []
    for rate in VOLUMES:
        total = deployed_usd(a_month(rate, HISTORY_MONTHS), measured, listed)
        millions = rate * SECONDS_A_MONTH / 1e6
        rows.append([f"{rate:,}", number(millions), usd(total), usd(total / millions), _deployed_origin()])
    base = by_component(bill(a_month(BASE), measured, listed))
    share = base["builds_on_demand"] / _sum(base, DEPLOYED)
    head = ["spans/s", "million spans a month", "USD a month", "USD a million spans", "from"]
    return f"""## How cost grows with volume

In small traffic the machines that never stop and the least that a query pays count; from some thousand spans a second
on cost is proportional. At {BASE:,} spans a second {share:.0%} are mart builds on demand: slots, or fewer builds (see
[how often to build](#how-often-to-build)), are what to change first.

{table(head, rows)}"""


def _history(measured: Figures, listed: Catalog) -> str:
    names = ("storage_logical", "storage_physical", "archive", "builds_on_demand", "builds_slots")
    rows = []
    for months in HISTORIES:
        lines = bill(a_month(BASE, months), measured, listed, names)
        totals = by_component(lines)
        tiers = {line.quantity.price: line.usd for line in lines}
        rows.append(
            [
                str(months),
                usd(tiers["bigquery_active_logical"]),
                usd(tiers["bigquery_long_term_logical"]),
                *(usd(totals[name]) for name in names[1:]),
                named(
                    "*_logical_bytes", "models_logical_bytes", "*_lake_bytes",
                    "prices.bigquery_*_logical", "prices.bigquery_*_physical", "prices.gcs_*", "build_history_bytes",
                ),
            ]
        )  # fmt: skip
    head = ["months kept", "hot: active, logical", "warm: long-term, logical", "hot and warm, physical billing",
            "cold: Parquet in Cloud Storage", "mart builds, on demand", "mart builds, slots", "from"]  # fmt: skip
    return f"""## How cost grows with history

USD a month at a steady {BASE:,} spans a second. Storage grows with history. Of a build, what replaces dates does not:
it reads the date that changed and those around it, however many lie before (`make bench-build` compares a new day after
3 with one after 96). But every build also reads all days of what is small a day and built whole (users, retention,
services, objectives) and counts the ledger: `build_history_bytes` for each span that was ever kept. After
{number(listed.assumed("active_days"))} days a partition is long-term; a date that is rebuilt becomes active again.

{table(head, rows)}"""


def _measured(measured: Figures) -> str:
    rows = [
        [f"`{figure.key}`", number(figure.value), figure.unit, figure.against]
        for figure in sorted(measured.by_key.values(), key=lambda each: each.key)
    ]
    return f"## Measured: .otelmart/bench.json\n\n{table(['key', 'value', 'unit', 'against'], rows)}"


def _listed(listed: Catalog) -> str:
    rows = [
        [
            f"`prices.{price.key}`",
            price.description,
            f"${price.usd:g} a {price.unit}" + (f", {price.free:g} free" if price.free else ""),
            source(price.source, price.as_of, price.is_confirmed) + (f"; {price.note}" if price.note else ""),
        ]
        for price in listed.prices.values()
    ]
    return f"""## Listed: prices.yaml

us-central1, USD. *Unconfirmed* amounts come from a secondary text and were not compared with the official page.

{table(["key", "what", "price", "source"], rows)}"""


def _assumed(listed: Catalog) -> str:
    rows = [
        [f"`assumptions.{each.key}`", number(each.value), each.unit, each.description]
        for each in listed.assumptions.values()
    ]
    return f"## Assumed: not measured by anything\n\n{table(['key', 'value', 'unit', 'meaning'], rows)}"


def _origins(measured: Figures, listed: Catalog) -> dict[str, str]:
    """Keys behind each component."""
    found: dict[str, list[str]] = {}
    for line in bill(a_month(BASE), measured, listed):
        keys = found.setdefault(line.component, [])
        keys += [
            *line.quantity.figures,
            f"prices.{line.quantity.price}",
            *(f"assumptions.{key}" for key in line.quantity.assumptions),
        ]
    return {name: named(*keys) for name, keys in found.items()}


def _deployed_origin() -> str:
    return "the sum of: " + ", ".join(DEPLOYED)


def _sum(totals: Mapping[str, float], names: Iterable[str]) -> float:
    return sum(totals[name] for name in names)
