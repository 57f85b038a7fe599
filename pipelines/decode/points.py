"""Data points of the five metric kinds as one table in wire order, whatever kind each metric is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode.columns import Bools, Int64s, array_of, lists
from pipelines.decode.scalars import METRIC_TYPES
from pipelines.decode.wire import Arrow, Int32s, Unusual, offsets

KINDS = tuple(METRIC_TYPES)  # members of Metric.data


@dataclass(frozen=True, slots=True)
class Points:
    """`fields` has every field that any kind of point has, NULL (or an empty list) where the row's kind has none.

    `kind_of_metric` is an index into KINDS, -1 for a metric without data; `rows_of_metric` its number of points.
    """

    fields: Mapping[str, Arrow]
    kind_of_metric: Int32s
    rows_of_metric: Int32s


def flatten(metrics: Arrow) -> Points:
    """The points of an array of metrics. Raises Unusual for a metric or point that sets two members of a oneof."""
    is_kind = np.array([metrics.field(kind).is_valid().to_numpy(zero_copy_only=False) for kind in KINDS])
    if (is_kind.sum(axis=0) > 1).any():
        raise Unusual("a metric of several kinds")
    points = [metrics.field(kind).field("data_points") for kind in KINDS]
    counts = np.array([np.diff(offsets(of_kind)) for of_kind in points])
    metric_of_point = np.concatenate([np.repeat(np.arange(len(metrics)), of_kind) for of_kind in counts])
    fields = _in_order([of_kind.values for of_kind in points], np.argsort(metric_of_point, kind="stable"))
    if "as_double" in fields:
        check_numbers(fields)
    kind_of_metric = np.where(is_kind.any(axis=0), is_kind.argmax(axis=0), -1).astype(np.int32)
    return Points(fields, kind_of_metric, counts.sum(axis=0).astype(np.int32))


def check_numbers(points: Mapping[str, Arrow]) -> None:
    """Raises Unusual when one sets both as_double and as_int: which came last is not known."""
    has_double, has_integer = points["as_double"].is_valid(), points["as_int"].is_valid()
    if pc.any(pc.and_(has_double, has_integer)).as_py():
        raise Unusual("a number of two types")


def _in_order(points: list[Arrow], order: Int64s) -> dict[str, Arrow]:
    """Each field of the struct arrays, one after the other, then in the given order."""
    types = {field.name: field.type for of_kind in points for field in of_kind.type}
    filled = [of_kind for of_kind in points if len(of_kind)] or points[:1]
    kind_of_row = np.repeat(np.arange(len(filled)), [len(of_kind) for of_kind in filled])[order]
    fields = {}
    for name, kind in types.items():
        having = [i for i, of_kind in enumerate(filled) if of_kind.type.get_field_index(name) >= 0]
        if len(having) == 1:
            fields[name] = _spread(filled[having[0]].field(name), kind_of_row == having[0])
        else:
            sent = pa.concat_arrays([_field(of_kind, name, kind) for of_kind in filled])
            fields[name] = sent.take(pa.array(order))
    return fields


def _spread(sent: Arrow, is_sent: Bools) -> Arrow:
    """The values in order over those rows that have one; NULL or an empty list in the others."""
    rows_before = np.concatenate(([0], np.cumsum(is_sent))).astype(np.int32)
    if pa.types.is_list(sent.type):
        return lists(offsets(sent).take(rows_before), sent.values)
    places = array_of(pa.int32(), rows_before[:-1], is_sent)
    if pa.types.is_struct(sent.type):
        is_absent = pc.invert(sent.is_valid().take(places).fill_null(False))
        children = [_spread(sent.field(i), is_sent) for i in range(sent.type.num_fields)]
        return pa.StructArray.from_arrays(children, [field.name for field in sent.type], mask=is_absent)
    return sent.take(places)


def _field(points: Arrow, name: str, kind: Any) -> Arrow:
    if points.type.get_field_index(name) < 0:
        return pa.nulls(len(points), kind)
    return points.field(name)
