"""The two inputs of the model, read and checked: what was measured, and the dated prices, limits and assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pipelines.errors import UsageError

# unit of a price → how many of the model's own (bytes, byte-months, byte-hours, hours, operations) it is for
UNITS: Final[Mapping[str, float]] = {
    "TiB": 2.0**40,
    "GiB": 2.0**30,
    "GiB-month": 2.0**30,
    "GiB-hour": 2.0**30,
    "vCPU-hour": 1.0,
    "slot-hour": 1.0,
    "1000 operations": 1000.0,
}
DAYS_A_MONTH: Final = 365 / 12
HOURS_A_MONTH: Final = DAYS_A_MONTH * 24
SECONDS_A_MONTH: Final = HOURS_A_MONTH * 3600
GIB: Final = 2.0**30
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Price:
    """A list price: `usd` for each `unit` above `free` units a month."""

    key: str
    description: str
    usd: float
    unit: str
    free: float
    region: str
    as_of: str
    source: str
    is_confirmed: bool
    note: str = ""

    def cost_usd(self, quantity: float, has_free_tier: bool = True) -> float:
        """Of a quantity in the model's own unit: bytes, byte-months, byte-hours, hours or operations."""
        return self.usd * max(0.0, quantity / UNITS[self.unit] - (self.free if has_free_tier else 0.0))


@dataclass(frozen=True, slots=True)
class Limit:
    """What the platform allows by default, and what to do on reaching it."""

    key: str
    description: str
    value: float
    unit: str
    then: str
    as_of: str
    source: str
    is_confirmed: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that nobody measured."""

    key: str
    description: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """deploy/cost/prices.yaml."""

    prices: Mapping[str, Price]
    limits: Mapping[str, Limit]
    assumptions: Mapping[str, Assumption]

    def assumed(self, key: str) -> float:
        return _there(self.assumptions, key, "assumption").value

    def price(self, key: str) -> Price:
        return _there(self.prices, key, "price")

    def limit(self, key: str) -> Limit:
        return _there(self.limits, key, "limit")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number of bench.json."""

    key: str
    value: float
    unit: str
    against: str


@dataclass(frozen=True, slots=True)
class Figures:
    """.otelmart/bench.json."""

    by_key: Mapping[str, Figure]

    def __getitem__(self, key: str) -> float:
        """Raises UsageError for a figure that was not measured."""
        return self.figure(key).value

    def __contains__(self, key: str) -> bool:
        return key in self.by_key

    def figure(self, key: str) -> Figure:
        if key not in self.by_key:
            raise UsageError(f"bench.json has no {key}: measure it with {_cure(key)}")
        return self.by_key[key]


def catalog(document: Mapping[str, Any]) -> Catalog:
    """The parsed prices.yaml. Raises UsageError naming an entry that cannot be used."""
    return Catalog(
        {key: _price(key, entry) for key, entry in _section(document, "prices").items()},
        {key: _entry(Limit, "limits", key, entry) for key, entry in _section(document, "limits").items()},
        {
            key: _entry(Assumption, "assumptions", key, entry)
            for key, entry in _section(document, "assumptions").items()
        },
    )


def figures(document: Mapping[str, Any]) -> Figures:
    """The parsed bench.json. Raises UsageError for a figure without a number above 0."""
    found = {}
    for key, entry in document.items():
        try:
            figure = Figure(key, float(entry["value"]), str(entry["unit"]), str(entry.get("against", "")))
        except (KeyError, TypeError, ValueError):
            raise UsageError(f"bench.json: {key} is no figure with value and unit: run make bench again") from None
        found[key] = figure
    return Figures(found)


def _cure(key: str) -> str:
    if key.startswith("worker_"):
        return "make bench-worker"
    return "make demo, then make bench" if key.startswith(("build_", "models_")) else "make bench"


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(section, Mapping):
        raise UsageError(f"the price file has no section {name!r}: start from deploy/cost/prices.yaml")
    return section


def _price(key: str, entry: Any) -> Price:
    price: Price = _entry(Price, "prices", key, entry)
    if price.unit not in UNITS:
        raise UsageError(f"prices.{key}: unknown unit {price.unit!r}; choose one of {', '.join(UNITS)}")
    if price.usd < 0 or price.free < 0:
        raise UsageError(f"prices.{key}: usd and free must not be below 0")
    return price


def _entry(kind: Any, section: str, key: str, entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        raise UsageError(f"{section}.{key} must be fields with values, not {entry!r}")
    values = {"is_confirmed" if name == "confirmed" else name: value for name, value in entry.items()}
    values |= {"as_of": str(values["as_of"])} if "as_of" in values else {}
    try:
        made = kind(key=key, **values)
    except TypeError as error:
        raise UsageError(f"{section}.{key}: {str(error).partition(' ')[2]}") from None
    number = getattr(made, "usd", None) if section == "prices" else made.value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise UsageError(f"{section}.{key}: {number!r} is no number")
    return made


def _there(entries: Mapping[str, Entry], key: str, kind: str) -> Entry:
    if key not in entries:
        raise UsageError(f"the price file has no {kind} {key}: start from deploy/cost/prices.yaml")
    return entries[key]
