"""dbt/slos/*.yaml (OpenSLO v1) → slos.csv (one row per objective) and slo_alerts.csv: all that the SLO marts read."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from pathlib import Path

from pipelines.render.burn_alerts import Alert, alerts
from pipelines.render.indicators import Indicator, indicator, objective_threshold
from pipelines.render.places import Place, documents
from pipelines.render.windows import Window, slice_minutes, window
from pipelines.tables import SCHEMAS

API_VERSION = "openslo/v1"
KINDS = ("SLO", "SLI", "Service")
METHODS = ("Occurrences", "Timeslices")
MIN_VALID_EVENTS = "otelmart/min-valid-events"
REPO = SCHEMAS.parent
SEEDS = Path("dbt/seeds/rendered")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Row:
    """One line of slos.csv. Empty text means "not set"; `|` separates the values of a filter."""

    slo_id: str
    slo_name: str
    objective_name: str
    display_name: str
    description: str
    service_name: str
    source_file: str
    signal: str
    is_per_service: str
    environments: str
    namespaces: str
    services: str
    operations: str
    methods: str
    good_condition: str
    threshold_op: str
    threshold_ns: str
    budgeting_method: str
    target_ratio: str
    slice_target_ratio: str
    slice_minutes: str
    window_kind: str
    window_unit: str
    window_length: str
    window_anchor_date: str
    window_days: str
    min_valid_count: str


def files(repo: Path = REPO) -> dict[Path, str]:
    """Text of each rendered file, by path. Raises UsageError naming file and line of the first mistake."""
    found = sorted(rows(repo), key=lambda row: row.slo_id)
    return {
        repo / SEEDS / "slos.csv": _csv(
            [*(field.name for field in fields(Row)), "definition_hash"],
            [[*asdict(row).values(), definition_hash(row)] for row in found],
        ),
        repo / SEEDS / "slo_alerts.csv": _csv(
            [field.name for field in fields(Alert)],
            [list(asdict(alert).values()) for row in found for alert in _alerts(row)],
        ),
    }


def _csv(header: list[str], lines: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    return text.getvalue()


def _alerts(row: Row) -> Iterator[Alert]:
    return alerts(row.slo_id, Decimal(row.target_ratio), int(row.window_days), int(row.slice_minutes or 0))


def definition_hash(row: Row) -> str:
    """16 hex digits that change exactly when the numbers of an objective would."""
    words = ("display_name", "description", "source_file", "objective_name")
    meant = [f"{name}={value}" for name, value in asdict(row).items() if name not in words]
    return hashlib.sha256("\n".join(meant).encode()).hexdigest()[:16]


def rows(repo: Path) -> list[Row]:
    """Objectives of every OpenSLO file of a checkout, in file order. Raises UsageError naming file and line."""
    slos: dict[str, Place] = {}
    indicators: dict[str, Place] = {}
    for kind, name, document in _named(repo):
        known = {"SLO": slos, "SLI": indicators, "Service": {}}[kind]
        if name in known:
            raise document.error(f"duplicate {kind} name {name!r}; first given at {known[name].where}")
        known[name] = document
    return [row for name, document in slos.items() for row in _slo_rows(name, document, indicators)]


def _named(repo: Path) -> Iterator[tuple[str, str, Place]]:
    for path in sorted((repo / "dbt/slos").glob("*.y*ml")):
        for document in documents(path, str(path.relative_to(repo))):
            parts = document.fields(["apiVersion", "kind", "metadata", "spec"])
            parts["apiVersion"].choice([API_VERSION])
            kind = parts["kind"].choice(KINDS)
            place = _metadata(parts["metadata"])["name"]
            name = place.text()
            if not _NAME.fullmatch(name):
                raise place.error(
                    f"{name!r} is no name: up to 63 of a-z, 0-9, '-', '.', a letter or digit at both ends"
                )
            yield kind, name, document


def _metadata(place: Place) -> dict[str, Place]:
    return place.fields(["name"], ["displayName", "labels", "annotations"])


def _slo_rows(name: str, document: Place, indicators: dict[str, Place]) -> Iterator[Row]:
    parts = document.fields(["apiVersion", "kind", "metadata", "spec"])
    metadata = _metadata(parts["metadata"])
    spec = parts["spec"].fields(
        ["service", "timeWindow", "budgetingMethod", "objectives"], ["description", "indicator", "indicatorRef"]
    )
    measured = indicator(_indicator_spec(parts["spec"], spec, indicators))
    span = window(spec["timeWindow"])
    method = spec["budgetingMethod"].choice(METHODS)
    objectives = spec["objectives"].items()
    if measured.is_threshold and len(objectives) > 1:
        raise objectives[1].error("a thresholdMetric takes one objective; write a second SLO")
    taken: set[str] = set()
    for place in objectives:
        objective = _objective(place, method, measured)
        short_name = _objective_name(place, objective, len(objectives), taken)
        yield Row(
            slo_id=f"{name}/{short_name}" if short_name else name,
            slo_name=name,
            objective_name=objective["displayName"].text() if "displayName" in objective else "",
            display_name=metadata["displayName"].text() if "displayName" in metadata else name,
            description=" ".join(spec["description"].text().split()) if "description" in spec else "",
            service_name=spec["service"].text(),
            source_file=document.file,
            budgeting_method=method,
            min_valid_count=_min_valid_count(metadata),
            **_measure_columns(measured, objective),
            **_target_columns(place, objective, method, span),
            **{f"window_{field}": str(value) for field, value in asdict(span).items()},
        )


def _indicator_spec(place: Place, spec: dict[str, Place], indicators: dict[str, Place]) -> Place:
    if ("indicator" in spec) == ("indicatorRef" in spec):
        raise place.error("give either spec.indicator or spec.indicatorRef")
    if "indicator" in spec:
        return spec["indicator"].fields(["spec"], ["metadata"])["spec"]
    name = spec["indicatorRef"].text()
    if name not in indicators:
        known = ", ".join(sorted(indicators)) or "none"
        raise spec["indicatorRef"].error(f"unknown indicator {name!r}; SLI documents in dbt/slos: {known}")
    return indicators[name].fields(["apiVersion", "kind", "metadata", "spec"])["spec"]


def _objective(place: Place, method: str, measured: Indicator) -> dict[str, Place]:
    required = ["timeSliceTarget", "timeSliceWindow"] if method == "Timeslices" else []
    required += ["op", "value"] if measured.is_threshold else []
    return place.fields(required, ["displayName", "target", "targetPercent"])


def _objective_name(place: Place, objective: dict[str, Place], count: int, taken: set[str]) -> str:
    if count == 1:
        return ""
    if "displayName" not in objective:
        raise place.error(f"missing field '{place.name}.displayName': an SLO with several objectives names each")
    name = re.sub(r"[^a-z0-9]+", "-", objective["displayName"].text().lower()).strip("-")
    if not name or name in taken:
        raise objective["displayName"].error(f"{place.name}.displayName must differ from the other objectives' names")
    taken.add(name)
    return name


def _measure_columns(measured: Indicator, objective: dict[str, Place]) -> dict[str, str]:
    threshold = objective_threshold(objective) if measured.is_threshold else measured.threshold
    return {
        "signal": measured.signal,
        "is_per_service": str(measured.is_per_service).lower(),
        **{column: "|".join(values) for column, values in measured.filters.items()},
        "good_condition": measured.good_condition,
        "threshold_op": threshold.op if threshold else "",
        "threshold_ns": str(threshold.value_ns) if threshold else "",
    }


def _target_columns(place: Place, objective: dict[str, Place], method: str, span: Window) -> dict[str, str]:
    if ("target" in objective) == ("targetPercent" in objective):
        raise place.error(f"give either {place.name}.target or {place.name}.targetPercent")
    is_sliced = method == "Timeslices"
    return {
        "target_ratio": _target(objective),
        "slice_target_ratio": _share(objective["timeSliceTarget"], 1) if is_sliced else "",
        "slice_minutes": str(slice_minutes(objective["timeSliceWindow"])) if is_sliced else "",
    }


def _target(objective: dict[str, Place]) -> str:
    return _share(objective["target"], 1) if "target" in objective else _share(objective["targetPercent"], 100)


def _share(place: Place, whole: int) -> str:
    value = place.number() / whole
    if not 0 < value <= 1:
        raise place.error(f"{place.name} must be above 0 and at most {whole}, not {place.number()}")
    if round(value, 9) != value:
        raise place.error(f"{place.name} has more decimals than are kept (9 of the ratio)")
    return format(value.normalize(), "f")


def _min_valid_count(metadata: dict[str, Place]) -> str:
    annotations = metadata["annotations"].texts() if "annotations" in metadata else {}
    text = annotations.get(MIN_VALID_EVENTS, "1")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise metadata["annotations"].error(f"{MIN_VALID_EVENTS} must be a whole number from 1, not {text!r}")
    return text
