"""zetasql's resolved statements as trees of nodes."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any


def node_of(message: Any) -> Any:
    """The node inside zetasql's wrappers (`AnyResolved…Proto`, one member set)."""
    while type(message).__name__.startswith("AnyResolved"):
        message = getattr(message, message.WhichOneof("node"))
    return message


def nodes_in(node: Any) -> Iterator[Any]:
    """Nodes right below, wrapped or not; what a node inherits from its kind (`parent`) is part of itself."""
    for field, value in node.ListFields():
        if field.name == "parent":
            yield from nodes_in(value)
        elif field.message_type and "Resolved" in field.message_type.name:
            yield from value if field.is_repeated else [value]


def scan_of(node: Any) -> Any:
    """The part of a scan that all kinds of scan have."""
    return node if type(node).__name__ == "ResolvedScanProto" else scan_of(node.parent)


def columns_read(statement: Any) -> dict[str, set[str]]:
    """Columns that a statement, resolved with `prune_unused_columns`, reads of each table."""
    read: dict[str, set[str]] = defaultdict(set)
    pending = [statement]
    while pending:
        node = node_of(pending.pop())
        if type(node).__name__ == "ResolvedTableScanProto":
            read[node.table.name].update(column.name for column in scan_of(node).column_list)
        pending += nodes_in(node)
    return read
