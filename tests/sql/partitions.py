"""Which reads of a partitioned table no filter on its partition column narrows, as seen in the resolved statement.

A filter counts when it compares the partition column, or its date, with something that holds no column and no
subquery; it may stand above CTEs, joins, unions and projections, which BigQuery sees through, and above a window or an
aggregate only where the column is among its keys. It must be a conjunct: one side of an OR narrows nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.sql.resolved import node_of, nodes_in, scan_of

COMPARISONS = {"$equal", "$in", "$in_array", "$between", "$greater", "$greater_or_equal", "$less", "$less_or_equal"}
DATE_OF = {"date", "date_trunc", "timestamp_trunc"}  # functions of the partition column that BigQuery still prunes by


# How to resolve a query for this: with the place of every scan, and without columns that nobody uses.
FOR_PARTITIONS = {
    "prune_unused_columns": True,
    "parse_location_record_type": "PARSE_LOCATION_RECORD_FULL_NODE_SCOPE",
}
# Table or view → what must be narrowed when it is read: (partitioned table, columns that narrow it). One entry for a
# table itself; a view has one for each read that it leaves open.
Partitions = Mapping[str, list[tuple[str, frozenset[str]]]]


@dataclass(frozen=True)
class Read:
    """A read of a partitioned table at `offset` bytes of the query; `ids` are the columns that carry its partition."""

    table: str
    offset: int
    ids: frozenset[int]


def unfiltered_reads(statement: Any, partitions: Partitions) -> list[Read]:
    """Reads of partitioned tables that nothing in a resolved query narrows, in query order."""
    return _Walk(partitions).reads(statement.query)


def left_open(statement: Any, partitions: Partitions) -> list[tuple[str, frozenset[str]]]:
    """The entry of a view in `Partitions`: what whoever reads it must narrow, and by which of its columns."""
    outputs = statement.output_column_list
    return [
        (read.table, frozenset(c.name for c in outputs if c.column.column_id in read.ids))
        for read in unfiltered_reads(statement, partitions)
    ]


class _Walk:
    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self._ctes: dict[str, tuple[list[Read], list[int]]] = {}

    def reads(self, message: Any) -> list[Read]:
        """Reads below a node that are still wide open above it."""
        node = node_of(message)
        kind = type(node).__name__.removeprefix("Resolved").removesuffix("Proto")
        special = getattr(self, f"_{kind}", None)
        return special(node) if special else self._children(node)

    def _children(self, node: Any) -> list[Read]:
        reads = [read for child in nodes_in(node) for read in self.reads(child)]
        computed = [(c.column.column_id, c.expr) for c in _computed(node)]
        return [_with_computed(read, computed) for read in reads]

    def _TableScan(self, node: Any) -> list[Read]:
        offset, columns = node.parent.parent.parse_location_range.start, node.parent.column_list
        return [
            Read(table, offset, frozenset(c.column_id for c in columns if c.name in narrowing))
            for table, narrowing in self._partitions.get(node.table.name, [])
        ]

    def _FilterScan(self, node: Any) -> list[Read]:
        inside = self._children(node)
        return [read for read in inside if not _narrows(node.filter_expr, read.ids)]

    def _AnalyticScan(self, node: Any) -> list[Read]:
        keys = [{k.column.column_id for k in g.partition_by.partition_by_list} for g in node.function_group_list]
        return [replace(read, ids=read.ids.intersection(*keys)) for read in self._children(node)]

    def _LimitOffsetScan(self, node: Any) -> list[Read]:
        return [replace(read, ids=frozenset()) for read in self._children(node)]

    def _WithEntry(self, node: Any) -> list[Read]:
        scan = node_of(node.with_subquery)
        self._ctes[node.with_query_name] = self.reads(scan), _column_ids(scan_of(scan).column_list)
        return []  # what nobody refers to is not read

    def _WithRefScan(self, node: Any) -> list[Read]:
        reads, inside = self._ctes[node.with_query_name]
        return _renamed(reads, inside, _column_ids(scan_of(node).column_list))

    def _SetOperationScan(self, node: Any) -> list[Read]:
        outside = _column_ids(scan_of(node).column_list)
        items = [(self.reads(item.scan), _column_ids(item.output_column_list)) for item in node.input_item_list]
        return [read for reads, inside in items for read in _renamed(reads, inside, outside)]


def _computed(node: Any) -> Iterator[Any]:
    return (child for child in nodes_in(node) if type(child).__name__ == "ResolvedComputedColumnProto")


def _with_computed(read: Read, computed: list[tuple[int, Any]]) -> Read:
    """The read with the columns that are its partition column under another name, or its date."""
    return replace(read, ids=read.ids | {column_id for column_id, expr in computed if _is_partition(expr, read.ids)})


def _column_ids(columns: Any) -> list[int]:
    return [column.column_id for column in columns]


def _renamed(reads: list[Read], inside: list[int], outside: list[int]) -> list[Read]:
    names = list(zip(inside, outside, strict=True))
    return [replace(read, ids=frozenset(out for within, out in names if within in read.ids)) for read in reads]


def _narrows(message: Any, ids: frozenset[int]) -> bool:
    expr = node_of(message)
    name, arguments = _call(expr)
    if name == "$and":
        return any(_narrows(argument, ids) for argument in arguments)
    if name == "$or":
        return all(_narrows(argument, ids) for argument in arguments)
    partitions = [_is_partition(argument, ids) for argument in arguments]
    rest = [argument for argument, partition in zip(arguments, partitions, strict=True) if not partition]
    return name in COMPARISONS and any(partitions) and all(map(_is_constant, rest))


def _is_partition(message: Any, ids: frozenset[int]) -> bool:
    expr = node_of(message)
    if type(expr).__name__ == "ResolvedColumnRefProto":
        return expr.column.column_id in ids
    if type(expr).__name__ == "ResolvedCastProto":
        return _is_partition(expr.expr, ids)
    name, arguments = _call(expr)
    return name in DATE_OF and _is_partition(arguments[0], ids)


def _is_constant(message: Any) -> bool:
    expr = node_of(message)
    if type(expr).__name__ in ("ResolvedColumnRefProto", "ResolvedSubqueryExprProto"):
        return False
    return all(map(_is_constant, nodes_in(expr)))


def _call(expr: Any) -> tuple[str, list[Any]]:
    """Function name and arguments of a call; an empty name for any other expression."""
    if type(expr).__name__ != "ResolvedFunctionCallProto":
        return "", []
    return expr.parent.function.name.removeprefix("ZetaSQL:"), list(expr.parent.argument_list)
