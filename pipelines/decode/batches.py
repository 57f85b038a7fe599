"""Record batches of one shape: the plain table schema, with strings that repeat as dictionaries."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from pipelines import tables
from pipelines.decode.wire import Arrow
from pipelines.payloads import Signal

TEXT = pa.dictionary(pa.int32(), pa.string())
# Ids hardly repeat, so they stay plain.
PLAIN = frozenset({"trace_id", "span_id", "parent_span_id"})


@cache
def schema(signal: Signal) -> pa.Schema:
    """Schema of decoded rows: that of the table, with int32 dictionaries for all strings but ids."""
    return pa.schema([_dictionary_field(field) for field in tables.arrow_schema(signal)])


def with_dictionaries(rows: pa.RecordBatch, signal: Signal) -> pa.RecordBatch:
    """Rows of the plain table schema in the decoded one."""
    fields = schema(signal)
    columns = [_encoded(rows.column(field.name), field.type) for field in fields]
    return pa.RecordBatch.from_arrays(columns, schema=fields)


def concatenated(batches: Sequence[pa.RecordBatch], signal: Signal) -> pa.RecordBatch:
    """The batches as one, over one dictionary per column."""
    if len(batches) == 1:
        return batches[0]
    columns = [pa.concat_arrays([batch.column(i) for batch in batches]) for i in range(len(schema(signal)))]
    return pa.RecordBatch.from_arrays(columns, schema=schema(signal))


def _dictionary_field(field: Any) -> Any:
    return pa.field(field.name, _dictionary_type(field.name, field.type))


def _dictionary_type(name: str, kind: Any) -> Any:
    if pa.types.is_string(kind):
        return kind if name in PLAIN else TEXT
    if pa.types.is_list(kind):
        return pa.list_(_dictionary_field(kind.value_field))
    if pa.types.is_struct(kind):
        return pa.struct([_dictionary_field(field) for field in kind])
    return kind


def _encoded(array: Arrow, kind: Any) -> Arrow:
    if array.type == kind:
        return array
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(*_codes_and_values(array))
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, _encoded(array.values, kind.value_type), type=kind)
    fields = [_encoded(array.field(field.name), field.type) for field in kind]
    return pa.StructArray.from_arrays(fields, fields=list(kind))


def _codes_and_values(array: Arrow) -> tuple[Arrow, Arrow]:
    encoded = array.dictionary_encode()
    return encoded.indices, encoded.dictionary
