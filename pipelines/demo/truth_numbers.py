"""The truth's numbers: counts, exact percentiles, money and metric totals, from what the model remembers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from pipelines.demo.catalog import SERVICES
from pipelines.demo.collector import Sent
from pipelines.demo.emit_metrics import LONG_RUNNING_SERVICE
from pipelines.demo.journeys_truth import Rows
from pipelines.demo.observed import Observed, RequestKey, Served
from pipelines.demo.shop import Shop, utc_date
from pipelines.demo.sources import pod_name
from pipelines.demo.tally import Series, Tally, export_time_ns
from pipelines.demo.vitals import rating

QUANTILES = (50, 95, 99)
RATINGS = ("good", "needs-improvement", "poor")


Number = TypeVar("Number", int, float)


def nearest_rank(ordered: list[Number], percent: int) -> Number | None:
    """Exact percentile of sorted values: sorted[ceil(q·n) − 1]; None when there are none."""
    return ordered[math.ceil(percent * len(ordered) / 100) - 1] if ordered else None


def counted(counter: Counter[Any], names: tuple[str, ...], measure: str) -> Rows:
    return [{**dict(zip(names, keys, strict=True)), measure: n} for keys, n in sorted(counter.items()) if n]


def row_counts(sent: Sent) -> Rows:
    return [
        {
            "table_name": table,
            "event_date": date,
            "row_count": n,
            "delivered_row_count": sent.delivered_rows[table, date],
            "distinct_row_count": n - (sent.rebatched_spans[date] if table == "traces" else 0),
        }
        for (table, date), n in sorted(sent.rows.items())
    ]


def sampling(observed: Observed) -> dict[str, Any]:
    served = [s for key, group in observed.served.items() if key.service_name == LONG_RUNNING_SERVICE for s in group]
    kept = sum(s.is_kept for s in served)
    return {
        "service_name": LONG_RUNNING_SERVICE,
        "ratio": 0.25,
        "request_count": len(served),
        "kept_request_count": kept,
    }


def latency(observed: Observed, daily: bool) -> Rows:
    groups: dict[tuple[str, ...], list[Served]] = {}
    for key, served in observed.served.items():
        groups.setdefault((*key[:5], _period(key, daily)), []).extend(served)
    names = (
        "environment",
        "service_namespace",
        "service_name",
        "http_route",
        "http_method",
        "date" if daily else "hour",
    )
    return [{**dict(zip(names, keys, strict=True)), **_measures(group)} for keys, group in sorted(groups.items())]


def _period(key: RequestKey, daily: bool) -> str:
    date = utc_date(key.hour_ns)
    return date if daily else f"{date}T{key.hour_ns // 3_600_000_000_000 % 24:02d}:00:00Z"


def _measures(served: list[Served]) -> dict[str, Any]:
    kept = [s for s in served if s.is_kept]
    return {
        "request_count": len(served),
        "error_count": sum(s.is_error for s in served),
        "http_5xx_count": sum(s.is_5xx for s in served),
        "unfinished_count": sum(s.duration_ns is None for s in served),
        **_percentiles(served, ""),
        "kept_request_count": len(kept),
        "kept_error_count": sum(s.is_error for s in kept),
        "kept_finished_count": sum(s.duration_ns is not None for s in kept),
        "kept_under_500ms_count": sum(s.duration_ns is not None and s.duration_ns < 500_000_000 for s in kept),
        **_percentiles(kept, "kept_"),
    }


def _percentiles(served: Iterable[Served], prefix: str) -> dict[str, int | None]:
    ordered = sorted(s.duration_ns for s in served if s.duration_ns is not None)
    return {f"{prefix}p{q}_ns": nearest_rank(ordered, q) for q in QUANTILES}


def money(amounts: dict[tuple[str, ...], list[Decimal]], names: tuple[str, ...], what: str) -> Rows:
    return [
        {
            **dict(zip(names, keys, strict=True)),
            f"{what}_count": len(values),
            "amount_total": f"{sum(values, Decimal(0)):f}",
            "amount_average": f"{(sum(values, Decimal(0)) / len(values)).quantize(Decimal('1e-9'), ROUND_HALF_UP):f}",
        }
        for keys, values in sorted(amounts.items())
    ]


def web_vitals(observed: Observed) -> Rows:
    """Page loads by environment, date, page and vital."""
    names = ("environment", "event_date", "page_name", "vital_name")
    return [
        {
            **dict(zip(names, keys, strict=True)),
            "page_load_count": len(values),
            **{f"{r.replace('-', '_')}_count": sum(rating(keys[3], v) == r for v in values) for r in RATINGS},
            "p75": nearest_rank(sorted(values), 75),
            "value_total": round(sum(values), 4),
        }
        for keys, values in sorted(observed.web_vitals.items())
    ]


def errors(observed: Observed) -> Rows:
    """Exceptions by environment, service and type."""
    shows: dict[tuple[str, ...], Counter[str]] = {}
    versions: dict[tuple[str, ...], Counter[str]] = {}
    for keys, n in observed.exceptions.items():
        shows.setdefault(keys[:3], Counter())[keys[4]] += n
        versions.setdefault(keys[:3], Counter())[keys[3]] += n
    names = ("environment", "service_name", "exception_type")
    return [
        {
            **dict(zip(names, group, strict=True)),
            "exception_count": where.total(),
            "span_event_count": where["span"] + where["both"],
            "log_record_count": where["log"] + where["both"],
            "exception_count_by_version": dict(sorted(versions[group].items())),
        }
        for group, where in sorted(shows.items())
    ]


def excluded(observed: Observed) -> Rows:
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for (*keys, kept), n in observed.excluded.items():
        groups.setdefault(tuple(keys), Counter())[kept] += n
    names = ("environment", "event_date", "reason", "service_name")
    return [
        {**dict(zip(names, keys, strict=True)), "request_count": sum(n.values()), "kept_request_count": n["kept"]}
        for keys, n in sorted(groups.items())
    ]


def _series(series: Series) -> dict[str, Any]:
    pod = series.pod
    return {
        "environment": pod.environment,
        "service_namespace": SERVICES[pod.service].namespace,
        "service_name": pod.service,
        "service_version": pod.version,
        "service_instance_id": pod_name(*pod),
        "metric_name": series.metric,
        "attributes": dict(series.attributes),
    }


def counter(shop: Shop, series: Series, increments: Counter[int]) -> dict[str, Any]:
    visible = {i: n for i, n in increments.items() if i > 0 or series.pod.service != LONG_RUNNING_SERVICE}
    return {**_series(series), "increase": sum(visible.values()), "increase_by_date": _by_date(shop, series, visible)}


def histogram(shop: Shop, series: Series, tally: Tally) -> dict[str, Any]:
    intervals = tally.observations[series]
    counts = {interval: len(values) for interval, values in intervals.items()}
    total = math.fsum(o.value for values in intervals.values() for o in values)
    return {
        **_series(series),
        "count": sum(counts.values()),
        "sum": total,
        "count_by_date": _by_date(shop, series, counts),
    }


def _by_date(shop: Shop, series: Series, by_interval: dict[int, int]) -> dict[str, int]:
    dates: Counter[str] = Counter()
    for interval, n in by_interval.items():
        dates[utc_date(export_time_ns(shop, series.pod.environment, interval))] += n
    return dict(sorted(dates.items()))
