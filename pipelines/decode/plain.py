"""What rows of every signal share in the plain decoder: attribute lists, promoted columns, resource, scope, payload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipelines.decode import scalars
from pipelines.decode.bad_rows import bad_row
from pipelines.decode.privacy import transform
from pipelines.decode.repairs import is_repaired
from pipelines.decode.rules import Column, Compose, Rules
from pipelines.decode.scalars import INT64_MAX, Lanes, any_value_text, pair_hash, utf8
from pipelines.payloads import Payload, Signal
from pipelines.tables import SCHEMA_VERSION

Pair = dict[str, str | None]  # {"key": …, "value": …}, an element of an attributes column
Row = dict[str, Any]
_NS_A_DAY = 86_400_000_000_000


@dataclass(frozen=True)
class Source:
    """The payload that rows come from, and the rules that they are read by."""

    payload: Payload
    rules: Rules

    @property
    def signal(self) -> Signal:
        return self.payload.signal

    def attributes(self, pairs: Iterable[Any]) -> list[Pair]:
        """KeyValues as key and text in the order sent, after privacy; dropped pairs are not there."""
        return [pair for pair in map(self._pair, pairs) if pair is not None]

    def _pair(self, pair: Any) -> Pair | None:
        key, text = utf8(pair.key), any_value_text(pair.value)
        action = self.rules.actions.get(key)
        if action is None or (text is None and action != "drop"):
            return {"key": key, "value": text}
        text = transform(action, text or "", self.rules.key)
        return None if text is None else {"key": key, "value": text}

    def field(self, name: str, text: str | None) -> str | None:
        """Text of a field such as body after its privacy action; NULL when empty."""
        action = self.rules.field_actions.get(f"{self.signal}.{name}")
        return (text if action is None else transform(action, text, self.rules.key)) if text else None

    def check_time(self, unix_nano: int) -> None:
        """Raises bad_row when a row with this time is too far from the receive time, or its time is no INT64."""
        after_ns = unix_nano - self.payload.receive_time_us * 1000
        past_ns, future_ns = self.rules.max_past_days * _NS_A_DAY, self.rules.max_future_days * _NS_A_DAY
        if unix_nano > INT64_MAX or not -past_ns <= after_ns <= future_ns:
            raise bad_row("time_out_of_range")


@dataclass(frozen=True)
class Level:
    """A resource or scope with its attributes: `outer` is the Resource* or Scope* message around `inner`."""

    name: str
    outer: Any
    inner: Any
    source: Source

    @cached_property
    def pairs(self) -> list[Pair]:
        return self.source.attributes(self.inner.attributes)

    @cached_property
    def texts(self) -> dict[str, str]:
        return texts_by_name(self.pairs)

    @cached_property
    def lanes(self) -> Lanes:
        """Share of the attributes in the series_id of a point."""
        return pair_lanes(self.name, self.pairs)

    @cached_property
    def is_repaired(self) -> bool:
        return is_repaired(self.outer)

    @cached_property
    def columns(self) -> Row:
        return {
            f"{self.name}_attributes": self.pairs,
            f"{self.name}_dropped_attributes_count": self.inner.dropped_attributes_count,
            f"{self.name}_schema_url": utf8(self.outer.schema_url) or None,
        }


@dataclass(frozen=True)
class Context:
    """Where a row stands: its source, and the resource and scope around it."""

    source: Source
    resource: Level
    scope: Level

    def promoted(self, own: Sequence[Pair]) -> tuple[Row, int]:
        """Promoted columns of a row with these attributes, and how many of them have a value of the wrong type."""
        texts = texts_by_name(own)
        row: Row = {}
        wrong_type_count = 0
        for column, inherited in self._inherited:
            text = _first_text(column.sources, texts)
            if text is None:
                text = inherited
            row[column.name] = None if text is None else scalars.TYPED[column.kind](text)
            wrong_type_count += text is not None and row[column.name] is None
        return row, wrong_type_count

    @cached_property
    def _inherited(self) -> list[tuple[Column, str | None]]:
        """Promoted columns, and the text that each has from the scope, else from the resource."""
        scope, resource = self.scope.texts, self.resource.texts
        inherited = []
        for column in self.source.rules.columns[self.source.signal]:
            text = _first_text(column.sources, scope)
            inherited.append((column, _first_text(column.sources, resource) if text is None else text))
        return inherited

    @cached_property
    def columns(self) -> Row:
        """Columns that are equal for every row of the scope."""
        payload = self.source.payload
        return {
            "scope_name": utf8(self.scope.inner.name) or None,
            "scope_version": utf8(self.scope.inner.version) or None,
            **self.scope.columns,
            **self.resource.columns,
            "ingest_time": payload.receive_time_us,
            "payload_id": payload.payload_id,
            "schema_version": SCHEMA_VERSION,
        }

    @cached_property
    def lanes(self) -> Lanes:
        """Share of resource and scope in the series_id of a point."""
        header = scalars.scope_hash(self.columns["scope_name"], self.columns["scope_version"])
        parts = (header, self.scope.lanes, self.resource.lanes)
        return sum(low for low, _ in parts), sum(high for _, high in parts)


def texts_by_name(pairs: Sequence[Pair]) -> dict[str, str]:
    """Text of each attribute: of equal keys the last counts, and a NULL text is as if it were absent."""
    last = {pair["key"]: pair["value"] for pair in pairs}
    return {key: text for key, text in last.items() if key is not None and text is not None}


def pair_lanes(level: str, pairs: Sequence[Pair]) -> Lanes:
    """Sums of the hashes of attribute pairs, in whatever order they come."""
    hashes = [pair_hash(level, pair["key"] or "", pair["value"]) for pair in pairs]
    return sum(low for low, _ in hashes), sum(high for _, high in hashes)


def _first_text(sources: Sequence[str | Compose], texts: Mapping[str, str]) -> str | None:
    for source in sources:
        text = texts.get(source) if isinstance(source, str) else _composed(source, texts)
        if text is not None:
            return text
    return None


def _composed(source: Compose, texts: Mapping[str, str]) -> str | None:
    return scalars.COMPOSE[source.rule](*map(texts.get, source.of))
