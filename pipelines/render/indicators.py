"""The indicator of an OpenSLO document: which events count and which are good (its metricSource type is `otelmart`)."""

from dataclasses import dataclass, field
from decimal import Decimal

from pipelines.render.places import Place

NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Signal:
    """A kind of event the marts know: what can be asked of it."""

    good_conditions: tuple[str, ...]
    filters: dict[str, str]  # beside FILTERS: the name in the YAML, the column of the seed


SIGNALS = {
    "requests": Signal(("not_error", "not_5xx"), {"operation": "operations", "method": "methods"}),
    "logins": Signal(("succeeded",), {}),
    "payments": Signal(("succeeded",), {"method": "methods"}),
    "page_views": Signal((), {"page": "operations"}),
}
FILTERS = {"environment": "environments", "namespace": "namespaces", "service": "services"}
ALL_FILTERS = list(dict.fromkeys([*FILTERS, *(key for signal in SIGNALS.values() for key in signal.filters)]))
COLUMNS = (*FILTERS.values(), "operations", "methods")
BAD_CONDITIONS = {"error": "not_error", "http_5xx": "not_5xx", "failed": "succeeded"}
THRESHOLD_OPS = ("lt", "lte", "gt", "gte")
MAX_THRESHOLD_MS = 86_400_000


@dataclass(frozen=True)
class Threshold:
    """An event is good when its duration `op` value_ns."""

    op: str
    value_ns: int


@dataclass(frozen=True)
class Indicator:
    """Events of a signal that pass the filters are valid; those that meet condition and threshold are good."""

    signal: str
    is_threshold: bool
    is_per_service: bool
    good_condition: str = ""
    threshold: Threshold | None = None
    filters: dict[str, list[str]] = field(default_factory=dict)


def indicator(spec: Place) -> Indicator:
    """The indicator of a `spec` with a ratioMetric or a thresholdMetric."""
    parts = spec.fields([], ["description", "ratioMetric", "thresholdMetric"])
    if ("ratioMetric" in parts) == ("thresholdMetric" in parts):
        raise spec.error("give either ratioMetric or thresholdMetric")
    return _ratio(parts["ratioMetric"]) if "ratioMetric" in parts else _threshold(parts["thresholdMetric"])


def objective_threshold(objective: dict[str, Place]) -> Threshold:
    """Threshold of an objective over a thresholdMetric, whose `value` is in milliseconds."""
    return Threshold(objective["op"].choice(THRESHOLD_OPS), _ns(objective["value"]))


def _threshold(metric: Place) -> Indicator:
    source = _source(metric)
    parts = source.fields(["kind", "value"], [*ALL_FILTERS, "groupBy"])
    name = _signal(parts)
    parts["value"].choice(["duration_ms"])
    return Indicator(name, True, _is_per_service(parts), filters=_filters(name, parts))


def _ratio(metric: Place) -> Indicator:
    parts = metric.fields(["total"], ["good", "bad", "counter"])
    if ("good" in parts) == ("bad" in parts):
        raise metric.error("a ratioMetric has total and either good or bad")
    total = _source(parts["total"]).fields(["kind"], [*ALL_FILTERS, "groupBy"])
    name = _signal(total)
    good_condition, threshold = _good(name, parts["good"]) if "good" in parts else _not_bad(name, parts["bad"])
    return Indicator(name, False, _is_per_service(total), good_condition, threshold, _filters(name, total))


def _source(metric: Place) -> Place:
    source = metric.fields(["metricSource"])["metricSource"].fields(["type", "spec"])
    source["type"].choice(["otelmart"])
    return source["spec"]


def _signal(parts: dict[str, Place]) -> str:
    return parts["kind"].choice(SIGNALS)


def _is_per_service(parts: dict[str, Place]) -> bool:
    return "groupBy" in parts and [item.choice(["service"]) for item in parts["groupBy"].items()] == ["service"]


def _good(signal: str, metric: Place) -> tuple[str, Threshold | None]:
    """Condition and threshold that must both hold for an event to be good."""
    spec = _source(metric)
    parts = spec.fields([], ["kind", "condition", "durationBelowMs"])
    _same_kind(signal, parts)
    if not {"condition", "durationBelowMs"} & set(parts):
        raise spec.error(f"give {spec.name}.condition, {spec.name}.durationBelowMs or both")
    condition = _condition(signal, parts["condition"], SIGNALS[signal].good_conditions) if "condition" in parts else ""
    threshold = Threshold("lt", _ns(parts["durationBelowMs"])) if "durationBelowMs" in parts else None
    return condition, threshold


def _not_bad(signal: str, metric: Place) -> tuple[str, Threshold | None]:
    """The same for a `bad` query: an event is bad when either holds, so good when neither does."""
    spec = _source(metric)
    parts = spec.fields([], ["kind", "condition", "durationAtLeastMs"])
    _same_kind(signal, parts)
    if not {"condition", "durationAtLeastMs"} & set(parts):
        raise spec.error(f"give {spec.name}.condition, {spec.name}.durationAtLeastMs or both")
    usable = tuple(bad for bad, good in BAD_CONDITIONS.items() if good in SIGNALS[signal].good_conditions)
    condition = BAD_CONDITIONS[_condition(signal, parts["condition"], usable)] if "condition" in parts else ""
    threshold = Threshold("lt", _ns(parts["durationAtLeastMs"])) if "durationAtLeastMs" in parts else None
    return condition, threshold


def _same_kind(signal: str, parts: dict[str, Place]) -> None:
    if "kind" in parts and _signal(parts) != signal:
        raise parts["kind"].error(f"{parts['kind'].name} must be that of total, {signal!r}")


def _condition(signal: str, place: Place, usable: tuple[str, ...]) -> str:
    value = place.text()
    if value not in usable:
        raise place.error(f"unknown {place.name} {value!r} for {signal}; choose one of {', '.join(usable) or '(none)'}")
    return value


def _filters(signal: str, parts: dict[str, Place]) -> dict[str, list[str]]:
    """Values a column may have, by the seed's column; an empty list lets everything pass."""
    known = {**FILTERS, **SIGNALS[signal].filters}
    for key in ALL_FILTERS:
        if key in parts and key not in known:
            raise parts[key].error(f"{signal} have no {key} to filter on; they have {', '.join(known)}")
    found: dict[str, list[str]] = {column: [] for column in COLUMNS}
    found.update({column: _values(parts[key]) for key, column in known.items() if key in parts})
    return found


def _values(place: Place) -> list[str]:
    values = [place.text()] if place.is_scalar else [item.text() for item in place.items()]
    for value in values:
        if "|" in value:
            raise place.error(f"{place.name} must not contain '|': {value!r}")
    return values


def _ns(place: Place) -> int:
    value_ns = place.number() * NS_PER_MS
    if not 0 < value_ns <= MAX_THRESHOLD_MS * NS_PER_MS or value_ns != int(value_ns):
        raise place.error(f"{place.name} must be milliseconds above 0 and at most {MAX_THRESHOLD_MS}")
    return int(Decimal(value_ns))
