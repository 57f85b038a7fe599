"""What a team may change about decoding, as data: promoted columns and privacy actions, read from schemas/*.json."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import tables
from pipelines.errors import UsageError
from pipelines.payloads import SIGNALS, Signal

ACTIONS = ("pseudonymise", "browser_family", "redact_url", "redact_text", "drop")
COMPOSITIONS = {"path_and_query": 2}  # name → how many attributes it is made of
KINDS = ("STRING", "INT64", "FLOAT64", "NUMERIC")
FIELDS = ("traces.status_message", "logs.body")  # fields that are no attributes and may hold personal data

# Columns that decode fills from OTLP fields. logs.event_name is both: the field wins over the promoted attribute.
_SHARED = """attributes scope_name scope_version scope_attributes scope_dropped_attributes_count scope_schema_url
    resource_attributes resource_dropped_attributes_count resource_schema_url flags
    ingest_time payload_id row_ordinal schema_version"""
FILLED: Mapping[Signal, frozenset[str]] = {
    "traces": frozenset(f"""{_SHARED} trace_id span_id parent_span_id trace_state name kind start_time end_time
        duration_ms status_code status_message events start_time_unix_nano end_time_unix_nano duration_ns is_unfinished
        has_clock_skew dropped_attributes_count dropped_events_count dropped_links_count event_times_unix_nano
        event_dropped_attributes_counts links adjusted_count sampling_source""".split()),
    "logs": frozenset(f"""{_SHARED} time observed_time time_unix_nano observed_time_unix_nano is_time_inferred
        severity_number severity_text body trace_id span_id dropped_attributes_count""".split()),
    "metrics": frozenset(f"""{_SHARED} metric_name metric_description unit metric_type temporality is_monotonic
        metric_metadata start_time time start_time_unix_nano time_unix_nano value value_int count sum min max
        bucket_counts explicit_bounds scale zero_count zero_threshold positive_offset positive_bucket_counts
        negative_offset negative_bucket_counts quantiles exemplars has_no_recorded_value series_id""".split()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compose:
    """A column value made of several attributes of one level: `path_and_query` is path + "?" + query."""

    rule: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A promoted column: its name, its type (one of KINDS) and its sources, newest convention first."""

    name: str
    kind: str
    sources: tuple[str | Compose, ...]


@dataclass(frozen=True)
class Rules:
    """Everything that decode is told: promoted columns by signal, privacy actions by attribute name and by
    "<table>.<field>", the HMAC key, and how far a row's time may be from its receive time."""

    columns: Mapping[Signal, tuple[Column, ...]]
    actions: Mapping[str, str]
    field_actions: Mapping[str, str]
    key: bytes
    weight_attributes: tuple[str, ...]
    max_past_days: int = 1827
    max_future_days: int = 1

    @staticmethod
    def load(key: bytes, promoted: Path | None = None, privacy: Path | None = None) -> Rules:
        """Rules of two files, by default those in schemas/. Raises UsageError naming file, place and cure."""
        if not key:
            raise UsageError("the privacy key is empty: set OTELMART_PRIVACY_KEY to a long random text")
        promotion = _File(promoted or tables.SCHEMAS / "promoted_attributes.json")
        actions, field_actions = _actions(_File(privacy or tables.SCHEMAS / "privacy.json"))
        return Rules(
            columns=_columns(promotion),
            actions=actions,
            field_actions=field_actions,
            key=key,
            weight_attributes=tuple(promotion.names("sampling_weight_attributes", promotion.document, may_miss=True)),
        )


class _File:
    """A rules file and its one way to complain: the file, the place in it, and the cure."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            document = json.loads(path.read_bytes())
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no name of anything
        except OSError as error:
            raise self.error("", f"{error.strerror}; give a readable file") from None
        except UnicodeDecodeError:
            raise self.error("", "not UTF-8 text; save it as UTF-8") from None
        except json.JSONDecodeError as error:
            raise self.error(f"line {error.lineno} column {error.colno}", f"not JSON: {error.msg}") from None
        except (RecursionError, ValueError) as error:
            raise self.error("", f"no JSON that can be read: {error}; write it as the shipped file is") from None
        if not isinstance(document, dict):
            raise self.error("", "must be a JSON object")
        self.document: dict[str, Any] = document

    def error(self, place: str, text: str) -> UsageError:
        return UsageError(f"{self.path}{': ' if place else ''}{place}: {text}")

    def entries(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(place, entry) of every object in the list `name`."""
        entries = self.document.get(name)
        if not isinstance(entries, list):
            raise self.error("", f'must have a list "{name}"')
        for i, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise self.error(f"{name}[{i}]", "must be an object")
            yield f"{name}[{i}]", entry

    def names(self, key: str, entry: Mapping[str, Any], place: str = "", may_miss: bool = False) -> list[str]:
        """The list of non-empty texts under `key`."""
        names = entry.get(key, [] if may_miss else None)
        if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
            raise self.error(place, f'"{key}" must be a list of names')
        return names

    def choice(self, what: str, value: object, choices: tuple[str, ...], place: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise self.error(place, f"unknown {what} {value!r}; choose one of {', '.join(choices)}")
        return value


def _columns(file: _File) -> dict[Signal, tuple[Column, ...]]:
    columns: dict[Signal, dict[str, Column]] = {signal: {} for signal in SIGNALS}
    for place, entry in file.entries("columns"):
        name = entry.get("column")
        if not isinstance(name, str) or not name:
            raise file.error(place, '"column" must be the name of a column')
        sources = tuple(_sources(file, place, entry))
        for table in file.names("tables", entry, place):
            signal: Signal = file.choice("table", table, SIGNALS, place)  # type: ignore[assignment]
            if name in columns[signal]:
                raise file.error(
                    place, f"column {name!r} of {table} stands here twice; put all its attributes in one entry"
                )
            columns[signal][name] = Column(name, _kind(file, place, signal, name), sources)
    return {signal: (*found.values(), *_unpromoted(file, signal, found)) for signal, found in columns.items()}


def _unpromoted(file: _File, signal: Signal, promoted: Collection[str]) -> Iterator[Column]:
    """Columns of a table that nothing fills: without a source, so that they are NULL."""
    for field in tables.table(signal)["schema"]["fields"]:
        if field["name"] not in FILLED[signal] and field["name"] not in promoted:
            yield Column(field["name"], _kind(file, "columns", signal, field["name"]), ())


def _sources(file: _File, place: str, entry: Mapping[str, Any]) -> Iterator[str | Compose]:
    sources = entry.get("attributes")
    if not isinstance(sources, list) or not sources:
        raise file.error(place, '"attributes" must be a list of attribute names, newest first')
    for source in sources:
        if isinstance(source, dict):
            rule = file.choice("composition", source.get("compose"), tuple(COMPOSITIONS), place)
            of = tuple(file.names("of", source, place))
            if len(of) != COMPOSITIONS[rule]:
                raise file.error(place, f'{rule} is made of {COMPOSITIONS[rule]} attributes, "of" names {len(of)}')
            yield Compose(rule, of)
        elif isinstance(source, str) and source:
            yield source
        else:
            raise file.error(place, f"{source!r} is neither an attribute name nor a composition")


def _kind(file: _File, place: str, signal: Signal, name: str) -> str:
    fields = {field["name"]: field for field in tables.table(signal)["schema"]["fields"]}
    if name not in fields:
        raise file.error(place, f"{signal} has no column {name!r}; add it to schemas/{signal}.json")
    if name in FILLED[signal]:
        raise file.error(place, f"column {name!r} of {signal} is filled from OTLP itself; choose another column")
    field = fields[name]
    if field["type"] not in KINDS or field["mode"] != "NULLABLE":
        raise file.error(
            place,
            f"column {name!r} of {signal} is {field['mode']} {field['type']}; "
            f"a promoted column must be NULLABLE and one of {', '.join(KINDS)}",
        )
    kind: str = field["type"]
    return kind


def _actions(file: _File) -> tuple[dict[str, str], dict[str, str]]:
    """Actions by attribute and by field; a later rule for the same name wins."""
    by_attribute: dict[str, str] = {}
    by_field: dict[str, str] = {}
    for place, entry in file.entries("rules"):
        action = file.choice("action", entry.get("action"), ACTIONS, place)
        for attribute in file.names("attributes", entry, place, may_miss=True):
            by_attribute[attribute] = action
        for field in file.names("fields", entry, place, may_miss=True):
            by_field[file.choice("field", field, FIELDS, place)] = action
    return by_attribute, by_field
