"""Columns of schemas/ that BigQuery's tables lack: left out of the rows, and counted, until `otelmart init` adds them.

BigQuery tells a table's columns when it makes a stream, and on request. An append with a column that it lacks fails
with SCHEMA_MISMATCH_EXTRA_FIELDS, and does so for a while after the column was added.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.api_core import exceptions
from google.cloud.bigquery_storage_v1 import types

from pipelines import tables

LOOK_SECONDS = 60.0
_EXTRA_FIELDS = types.StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS


class ExtraFields(exceptions.InvalidArgument):
    """BigQuery does not know a column that was sent: it is not there, or not yet known where rows are taken."""


@dataclass(slots=True)
class Lacking:
    """What each table lacks of schemas/, as BigQuery said last; nothing until it says so. Nested columns are `a.b`."""

    _columns: dict[str, frozenset[str]] = field(default_factory=dict)
    _looks: dict[str, float] = field(default_factory=dict)  # seconds of the monotonic clock

    def of(self, table: str) -> frozenset[str]:
        return self._columns.get(table, frozenset())

    def tell(self, table: str, there: Sequence[Any]) -> None:
        """Takes a table's columns from BigQuery; an emulator need not tell any."""
        wanted = tables.table(table)["schema"]["fields"]
        self._columns[table] = frozenset(_lacking(wanted, there, "")) if there else frozenset()
        self._looks[table] = time.monotonic()

    def expire(self, table: str) -> None:
        """The table has changed."""
        self._looks.pop(table, None)

    def is_due(self, table: str) -> bool:
        """Whether a column is lacking, and may have been added since."""
        return bool(self.of(table)) and time.monotonic() - self._looks.get(table, -LOOK_SECONDS) >= LOOK_SECONDS


def narrowed(schema: pa.Schema, lacking: frozenset[str]) -> pa.Schema:
    """A schema without columns that are lacking."""
    return pa.schema(list(_narrowed(pa.struct(list(schema)), lacking, ""))) if lacking else schema


def left_out(table: str, batches: Iterable[pa.RecordBatch], lacking: frozenset[str]) -> Counter[str]:
    """Values that the columns which a table lacks had in some rows, by `table.column`; also those that had none."""
    found = Counter({f"{table}.{column}": 0 for column in lacking})
    for batch in batches:
        for column in lacking:
            name, *below = column.split(".")
            found[f"{table}.{column}"] += _value_count(batch.column(name), below)
    return found


def is_extra_fields(error: exceptions.GoogleAPICallError) -> bool:
    """Whether BigQuery refused a request for a column that it does not know."""
    for detail in error.details:
        told = types.StorageError.pb()()
        if hasattr(detail, "Unpack") and detail.Unpack(told) and told.code == _EXTRA_FIELDS:
            return True
    return False


def _lacking(wanted: Iterable[tables.Field], there: Iterable[Any], above: str) -> Iterator[str]:
    """REQUIRED columns cannot be added, so they are never left out: BigQuery refuses the rows, loudly."""
    found = {column.name: column for column in there}
    for column in wanted:
        name = f"{above}{column['name']}"
        if column["name"] not in found:
            if column["mode"] != "REQUIRED":
                yield name
        elif nested := found[column["name"]].fields:
            yield from _lacking(column.get("fields", ()), nested, f"{name}.")


def _narrowed(kind: Any, lacking: frozenset[str], above: str) -> Any:
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_narrowed(kind.value_type, lacking, above)))
    if pa.types.is_struct(kind):
        return pa.struct(
            [
                each.with_type(_narrowed(each.type, lacking, f"{above}{each.name}."))
                for each in kind
                if f"{above}{each.name}" not in lacking
            ]
        )
    return kind


def _value_count(array: Any, below: Sequence[str]) -> int:
    while pa.types.is_list(array.type):
        array = array.flatten()
    if below:
        return _value_count(pc.struct_field(array, below[0]), below[1:])
    return len(array) - int(array.null_count)
