"""Sections of the cost page that help to choose: engines, ways to write, break-evens, and what growth asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pipelines.cost import bill, scaling
from pipelines.cost.inputs import Catalog, Figures
from pipelines.cost.quantities import HISTORY_MONTHS, Rebuilds, a_month, rebuilds
from pipelines.cost.text import named, number, source, table, usd

SIZES: Final = (10, 1_000, 100_000)  # spans a second, mean
BASE: Final = 1_000  # spans a second, which 10×, 100× and 10,000× multiply
FACTORS: Final = (1, 10, 100, 10_000)
FEWER_BUILDS: Final = (6, 1)  # a day


def engines(measured: Figures, listed: Catalog) -> str:
    names = ("worker", "dataflow_streaming", "dataflow_batch")
    rows = []
    for rate in SIZES:
        totals = bill.by_component(bill.bill(a_month(rate), measured, listed, names))
        times = f"×{number(totals['dataflow_streaming'] / totals['worker'])}"
        keys = named("worker_bigquery_pending_cpu", "worker_bigquery_pending_peak", "lake_beam_over_plain",
                     "prices.worker_*", "prices.dataflow_*")  # fmt: skip
        rows.append([f"{rate:,}", *(usd(totals[name]) for name in names), times, keys])
    return f"""## Worker or Dataflow

USD a month. Dataflow adds machines by itself and keeps no node idle; the worker costs less a vCPU and moves no bytes
through a service. Batch is for files that wait: no Pub/Sub is needed then.

{table(["spans/s", "worker", "Dataflow streaming", "Dataflow batch", "streaming / worker", "from"], rows)}"""


def writing(measured: Figures, listed: Catalog) -> str:
    rows = []
    for rate in SIZES:
        totals = bill.by_component(bill.bill(a_month(rate), measured, listed, ("default_stream", "load_jobs")))
        keys = named("traces_sent_bytes", "traces_lake_bytes", "prices.bigquery_storage_write", "prices.gcs_class_a",
                     "prices.gcs_standard", "assumptions.load_every_seconds")  # fmt: skip
        rows.append([f"{rate:,}", usd(totals["default_stream"]), usd(totals["load_jobs"]), keys])
    return f"""## Default stream or load jobs

USD a month. A pending stream costs what the default stream does, and more of the worker's CPU
(`worker_bigquery_pending_cpu` {number(measured["worker_bigquery_pending_cpu"])}, `worker_bigquery_default_cpu`
{number(measured["worker_bigquery_default_cpu"])} spans/CPU s). Load jobs: `otelmart backfill
--from lake:DIR`, run as often as is assumed.

{table(["spans/s", "default stream", "load jobs", "from"], rows)}"""


def break_evens(measured: Figures, listed: Catalog) -> str:
    rows = [
        [each.name, f"{number(each.value)} {each.unit}", each.meaning, named(*each.keys)]
        for each in bill.break_evens(measured, listed)
    ]
    deployed = listed.assumed("builds_a_day")
    schedules = [_schedule(builds, measured, listed) for builds in (deployed, *FEWER_BUILDS)]
    head = ["builds a day", "its date is gone through", "the days before", "on demand", "slots", "from"]
    ratio = measured["traces_logical_bytes"] / measured["traces_lake_bytes"]
    return f"""## Where the cheaper way changes

{table(["break-even", "at", "meaning", "from"], rows)}

Parquet here holds {number(ratio)} logical bytes a byte (`traces_logical_bytes` / `traces_lake_bytes`).

## How often to build

A build replaces the date that changed, and reads and replaces those around it that each model reaches. USD a month at
{BASE:,} spans a second, {HISTORY_MONTHS:.0f} months kept. Late rows build a date and those around it once more
(`assumptions.late_rebuilds`).

{table(head, schedules)}"""


def _schedule(builds: float, measured: Figures, listed: Catalog) -> list[str]:
    """A row of what so many builds a day cost."""
    assumed = replace(listed.assumptions["builds_a_day"], value=builds)
    other = replace(listed, assumptions={**listed.assumptions, assumed.key: assumed})
    times: Rebuilds = rebuilds(other)
    totals = bill.by_component(bill.bill(a_month(BASE), measured, other, ("builds_on_demand", "builds_slots")))
    through = [f"{number(each)} times" for each in (times.own, times.before)]
    paid = [usd(totals[name]) for name in ("builds_on_demand", "builds_slots")]
    return [number(builds), *through, *paid, named("build_*", "assumptions.late_rebuilds")]


def growth(measured: Figures, listed: Catalog) -> str:
    sizes = [scaling.size(BASE * factor, measured, listed, HISTORY_MONTHS) for factor in FACTORS]
    slots = named("build_seconds", "build_before_seconds", "build_history_bytes", "assumptions.build_share",
                  "assumptions.slot_step")  # fmt: skip
    cpu = named("worker_bigquery_pending_cpu", "assumptions.cpu_target")
    message, sent = "traces_message_gzip_bytes", "traces_sent_bytes"
    facts: list[tuple[str, list[str], str]] = [
        ("Pub/Sub, MB/s", [number(s.message_bytes_per_second / 1e6) for s in sizes], named(message)),
        ("Topics, each in a project of its own", [f"{s.topics:,}" for s in sizes],
         named(message, "limits.pubsub_publish")),
        ("Worker processes, one a vCPU", [f"{s.processes:,}" for s in sizes], cpu),
        ("StreamingPull streams", [f"{s.pull_streams:,}" for s in sizes], named(message, "limits.pubsub_stream")),
        ("Storage Write, MB/s", [number(s.write_bytes_per_second / 1e6) for s in sizes], named(sent)),
        ("Shards: projects, if in a region", [f"{s.projects_in_region:,}" for s in sizes],
         named(sent, "limits.storage_write_region")),
        ("Shards: projects, if in US or EU", [f"{s.projects_in_multi_region:,}" for s in sizes],
         named(sent, "limits.storage_write_multi_region")),
        ("Builds on demand, TB a day", [number(s.build_bytes_per_day / 1e12) for s in sizes], named("build_*bytes")),
        ("Reservation for builds, slots", [f"{s.reserved_slots:,}" for s in sizes], slots),
        ("First limit met", [_first(s) for s in sizes], "the table below"),
        ("USD a month, as deployed", [usd(s.usd_per_month) for s in sizes], "the sum that a month has above"),
    ]  # fmt: skip
    head = ["", *(f"{factor:,}×: {BASE * factor:,} spans/s" for factor in FACTORS), "from"]
    cheapest = [usd(bill.cheapest_usd(a_month(BASE * factor), measured, listed)) for factor in FACTORS]
    facts.append(("USD a month, cheapest of each pair", cheapest, "the last line that a month has above"))
    return f"""## 10×, 100×, 10,000×

What {BASE:,} spans a second become, means; a peak needs its own line of `otelmart cost`. A shard is a project with a
topic, workers and tables of its own, and marts that are united by views. Slots are those that let the last build of a
day, the largest, end in `assumptions.build_share` of the time that it has.

{table(head, [[name, *values, keys] for name, values, keys in facts])}"""


def _first(size: scaling.Size) -> str:
    if not size.exceeded:
        return "none"
    others = len(size.exceeded) - 1
    return f"`limits.{size.exceeded[0].limit.key}`" + (f" and {others} more" if others else "")


def limits(measured: Figures, listed: Catalog) -> str:
    rows = [
        [
            f"`limits.{met.limit.key}`: {met.limit.description}",
            f"{number(met.limit.value)} {met.limit.unit}",
            number(met.at_spans_per_second),
            met.limit.then,
            source(met.limit.source, met.limit.as_of, met.limit.is_confirmed),
            named(*met.figures, *(f"assumptions.{key}" for key in met.assumptions)),
        ]
        for met in scaling.limits_met(BASE, measured, listed)
    ]
    steady = [
        [
            f"`limits.{each.limit.key}`: {each.limit.description}",
            f"{number(each.limit.value)} {each.limit.unit}",
            number(each.needed),
            each.limit.then,
            source(each.limit.source, each.limit.as_of, each.limit.is_confirmed),
            each.how,
        ]
        for each in scaling.steady_limits(measured, listed)
    ]
    return f"""## The limits it meets, first one first

Defaults of one project; most can be raised by asking.

{table(["limit", "allows", "met at spans/s", "then", "source", "from"], rows)}

Limits that more traffic does not bring nearer:

{table(["limit", "allows", "used", "if not enough", "source", "from"], steady)}"""
