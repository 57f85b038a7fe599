"""Promoted columns: attribute texts picked by name, own before scope before resource, newest convention first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode import scalars
from pipelines.decode.attributes import Attributes
from pipelines.decode.columns import STRING, Bools, Coded, Int64s, array_of, combined
from pipelines.decode.lookup import lookup
from pipelines.decode.rules import Column, Compose
from pipelines.decode.wire import Arrow, Int32s

_SIMPLE = {
    "INT64": r"^-?[0-9]{1,18}$",
    "FLOAT64": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$",
    "NUMERIC": r"^-?[0-9]{1,28}(\.[0-9]{1,9})?$",
}
_ARROW: dict[str, Any] = {"INT64": pa.int64(), "FLOAT64": pa.float64(), "NUMERIC": pa.decimal128(38, 9)}


@dataclass(frozen=True, slots=True)
class Level:
    """Messages whose attributes a row may show: `row_counts[i]` rows show those of message i (None: one row each)."""

    name: str
    row_counts: Int32s | None


def promote(
    attributes: Attributes, columns: Sequence[Column], levels: Sequence[Level], row_count: int
) -> tuple[dict[str, Arrow], Int64s]:
    """(arrays by column name, how many values of the wrong type each row has). Levels come in order of precedence."""
    promoted: dict[str, Arrow] = {}
    wrong_type_counts = np.zeros(row_count, np.int64)
    names = lookup(attributes, _together(columns))
    found = [(level, names.by_name(level.name)) for level in levels]
    absent = _absent(row_count).array()
    for column in columns:
        coded = _rows(column, found)
        if coded is None:
            promoted[column.name] = absent if column.kind == "STRING" else pa.nulls(row_count, _ARROW[column.kind])
        elif column.kind == "STRING":
            promoted[column.name] = coded.distinct().array()
        else:
            promoted[column.name], is_wrong = _typed(column.kind, coded)
            wrong_type_counts += is_wrong
    return promoted, wrong_type_counts


def first_text(attributes: Attributes, names: Sequence[str], level: str) -> Coded:
    """Text of the first of these attributes that each message of a level has."""
    found = _sources(names, lookup(attributes, [names]).by_name(level))
    message_count = len(attributes.levels[level].starts) - 1
    return found or _absent(message_count)


def _absent(message_count: int) -> Coded:
    return Coded(np.full(message_count, -1, np.int32), pa.array([], STRING))


def first_present(choices: Sequence[Coded]) -> Coded:
    """The first choice that is not NULL, row by row; its values may repeat."""
    return reduce(_either, choices)


def _either(first: Coded, second: Coded) -> Coded:
    is_first = first.codes >= 0
    if second.values is first.values:
        return replace(first, codes=np.where(is_first, first.codes, second.codes))
    shifted = np.where(second.codes >= 0, second.codes + np.int32(len(first.values)), np.int32(-1))
    both = pa.concat_arrays([first.values, second.values])
    return Coded(np.where(is_first, first.codes, shifted), both, are_distinct=False)


def _together(columns: Iterable[Column]) -> Iterator[list[str]]:
    """Names of which a column shows the first, and those that are only part of what it shows."""
    for column in columns:
        yield [source for source in column.sources if isinstance(source, str)]
        for source in column.sources:
            if isinstance(source, Compose):
                yield from ([name] for name in source.of)


def _rows(column: Column, found: Sequence[tuple[Level, Mapping[str, Coded]]]) -> Coded | None:
    """Text of a column in each row; None when no level has any."""
    by_level = []
    for level, by_name in found:
        coded = _sources(column.sources, by_name)
        if coded is not None:
            by_level.append(coded if level.row_counts is None else coded.repeat(level.row_counts))
    return first_present(by_level) if by_level else None


def _sources(sources: Sequence[str | Compose], by_name: Mapping[str, Coded]) -> Coded | None:
    """Text of the first source that each message of one level has; None when no message has any."""
    present = []
    for source in sources:
        if isinstance(source, Compose):
            if any(name in by_name for name in source.of):
                present.append(_composed(source, by_name))
        elif source in by_name:
            present.append(by_name[source])
    return first_present(present) if present else None


def _composed(source: Compose, by_name: Mapping[str, Coded]) -> Coded:
    """Text of a composition, worked out once per distinct combination of its parts."""
    message_count = next(len(by_name[name].codes) for name in source.of if name in by_name)
    distinct, rows = combined([by_name.get(name, _absent(message_count)) for name in source.of])
    texts = _COMPOSE[source.rule](*distinct)
    codes = np.where(
        texts.is_valid().to_numpy(zero_copy_only=False), np.arange(len(texts), dtype=np.int32), np.int32(-1)
    )
    return Coded(codes.take(rows), texts.fill_null(""), are_distinct=False)


def _path_and_query(path: Arrow, query: Arrow) -> Arrow:
    has_query = pc.fill_null(pc.not_equal(query, pa.scalar("")), pa.scalar(False))
    return pc.if_else(has_query, pc.binary_join_element_wise(path, query, "?"), path)


_COMPOSE: dict[str, Callable[..., Arrow]] = {"path_and_query": _path_and_query}  # scalars.COMPOSE over arrays


def _typed(kind: str, coded: Coded) -> tuple[Arrow, Bools]:
    """(typed column, where a text is not of the type)."""
    typed = _parsed(kind, coded.values)
    is_wrong = np.append(typed.is_null().to_numpy(zero_copy_only=False), False)
    return typed.take(array_of(pa.int32(), coded.codes, coded.codes >= 0)), is_wrong.take(coded.codes, mode="wrap")


def _parsed(kind: str, texts: Arrow) -> Arrow:
    """Typed value of each text; NULL where it is not of the type. Arrow reads simple texts, `scalars` the others."""
    is_simple: Any = pc.match_substring_regex(texts, _SIMPLE[kind])
    typed: Arrow = pc.if_else(is_simple, texts, pa.scalar(None, STRING)).cast(_ARROW[kind])
    read: Any = scalars.TYPED[kind]
    others = [read(text) for text in texts.filter(pc.invert(is_simple)).to_pylist()]
    return pc.replace_with_mask(typed, pc.invert(is_simple), pa.array(others, _ARROW[kind])) if others else typed
