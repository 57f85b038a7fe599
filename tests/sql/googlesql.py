"""What BigQuery would say of a query (`Catalog.analyze`) and answer to it (`Catalog.evaluate`), without BigQuery."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pyarrow as pa
from google.protobuf.empty_pb2 import Empty
from zetasql.core.exceptions import ServerError
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto, LanguageOptionsProto
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public import options_pb2 as options
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto
from zetasql.wasi._pb2.zetasql.resolved_ast.resolved_node_kind_pb2 import ResolvedNodeKind

from tests.sql import resolved, rewrites
from tests.sql.engine import Engine, EngineCrash
from tests.sql.values import from_value, to_value, type_name

# GoogleSQL knows more than BigQuery (it also serves Spanner and others): what BigQuery rejects must fail here too.
NOT_IN_BIGQUERY = (
    "ADDITIONAL_DATE_TIME_FUNCTIONS",
    "AGGREGATE_FILTERING",
    "ARRAY_AGGREGATION_FUNCTIONS",
    "ARRAY_EQUALITY",
    "ARRAY_FIND_FUNCTIONS",
    "ARRAY_ORDERING",
    "ARRAY_ZIP",
    "ENABLE_MEASURES",
    "FIRST_AND_LAST_N",
    "INLINE_LAMBDA_ARGUMENT",
    "LATERAL_COLUMN_REFERENCES",
    "LATERAL_JOIN",
    "LIMIT_OFFSET_EXPRESSIONS",
    "MAP_TYPE",
    "MULTILEVEL_AGGREGATION",
    "MULTIWAY_UNNEST",
    "SPANNER_LEGACY_DDL",
    "TIMESTAMP_NANOS",
    "TIMESTAMP_PICOS",
    "UNNEST_AND_FLATTEN_ARRAYS",
    "UUID_TYPE",
    "WITH_GROUP_ROWS",
)
# `__TABLES__` of every dataset of BigQuery
META_TABLE = """
    create table t (
        project_id string, dataset_id string, table_id string, creation_time int64, last_modified_time int64,
        row_count int64, size_bytes int64, type int64
    )
"""


class SqlError(AssertionError):
    """GoogleSQL rejected a query; the text is its own, with line and column."""


@dataclass(frozen=True)
class Column:
    """One output column and its GoogleSQL type."""

    name: str
    proto: TypeProto

    @property
    def type(self) -> str:
        return type_name(self.proto)


@dataclass(frozen=True)
class Rows:
    """A query's answer. It goes back into `evaluate` as a table without being read."""

    columns: list[Column]
    content: service.TableContent

    @cached_property
    def values(self) -> list[tuple[Any, ...]]:
        protos = [column.proto for column in self.columns]
        return [
            tuple(from_value(cell, proto) for cell, proto in zip(row.cell, protos, strict=True))
            for row in self.content.table_data.row
        ]

    @property
    def records(self) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.values]


class Catalog:
    """Tables by name (`dataset.table` or `project.dataset.table`); `now` is what CURRENT_DATE and the like say."""

    def __init__(self, now: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) -> None:
        self.tables: dict[str, list[Column]] = {}
        self._registered: service.RegisterResponse | None = None
        self._engine = Engine(clock_us=int(now.timestamp() * 1_000_000))

    def add(self, name: str, columns: Iterable[Column]) -> None:
        """Know a table from now on; a second one of the same name takes the place of the first."""
        self.tables[name] = list(columns)
        if self._registered:
            self._call(
                "UnregisterCatalog", service.UnregisterRequest(registered_id=self._registered.registered_id), Empty
            )
            self._registered = None

    def create(self, ddl: str, name: str | None = None) -> list[Column]:
        """Know the table of a `CREATE TABLE`, under its own name or another."""
        base = self.resolve(ddl).parent
        columns = [Column(c.name, c.type) for c in base.column_definition_list]
        self.add(name or ".".join(base.parent.name_path), columns)
        return columns

    def analyze(self, sql: str) -> list[Column]:
        """Output columns of a query. Raises SqlError."""
        return output_columns(self.resolve(sql))

    def resolve(self, sql: str, **analyzer_options: Any) -> Any:
        """The resolved statement, as zetasql's message of its kind (`ResolvedQueryStmtProto` and so on)."""
        sql = rewrites.dotted(sql, self.tables)
        request = service.AnalyzeRequest(sql_statement=sql, registered_catalog_id=self._register().registered_id)
        request.options.CopyFrom(_analyzer_options())
        request.options.MergeFrom(AnalyzerOptionsProto(**analyzer_options))
        for pool_id in self._register().descriptor_pool_id_list.registered_ids:
            request.descriptor_pool_list.definitions.add(registered_id=pool_id)
        return resolved.node_of(self._call("Analyze", request, service.AnalyzeResponse).resolved_statement)

    def evaluate(self, sql: str, tables: Mapping[str, "pa.Table | Rows"]) -> Rows:
        """Rows of a query over `tables`, by the reference implementation. Raises SqlError, for a bad row too."""
        sql = rewrites.exact(rewrites.dotted(sql, self.tables))
        read = resolved.columns_read(self.resolve(sql, prune_unused_columns=True))
        inputs = {name: self._input(name, tables[name], columns) for name, columns in read.items()}
        request = service.EvaluateQueryRequest(sql=sql, options=_analyzer_options())
        request.simple_catalog.CopyFrom(_catalog({name: rows.columns for name, rows in inputs.items()}))
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        for name, rows in inputs.items():
            request.table_content[name].CopyFrom(rows.content)
        answer = self._call("EvaluateQuery", request, service.EvaluateQueryResponse)
        return Rows([Column(c.name, c.type) for c in answer.prepared.columns], answer.content)

    def _input(self, name: str, rows: "pa.Table | Rows", read: set[str]) -> Rows:
        """A table as the evaluator takes it; of Arrow rows only the columns that are read, for converting is dear."""
        if isinstance(rows, Rows):
            return rows
        columns = [c for c in self.tables[name] if c.name in read] or self.tables[name][:1]
        return Rows(columns, content(rows, columns))

    def _register(self) -> service.RegisterResponse:
        """All tables as the engine keeps them until one is added: building GoogleSQL's functions is the dear part."""
        if self._registered is None:
            request = service.RegisterCatalogRequest(simple_catalog=_catalog(self.tables))
            request.descriptor_pool_list.definitions.add().builtin.SetInParent()
            self._registered = self._call("RegisterCatalog", request, service.RegisterResponse)
        return self._registered

    def _call(self, method: str, request: Any, response: Any) -> Any:
        try:
            return self._engine.call(method, request, response)
        except ServerError as error:
            raise SqlError(error.message) from None
        except EngineCrash as crash:
            raise SqlError(str(crash)) from None


def content(rows: pa.Table, columns: Iterable[Column]) -> service.TableContent:
    """Arrow rows as a table of the reference implementation; a column the rows lack is NULL."""
    columns = list(columns)
    cells = [rows[c.name].to_pylist() if c.name in rows.column_names else [None] * len(rows) for c in columns]
    table = service.TableContent()
    table.table_data.SetInParent()
    for values in zip(*cells, strict=True):
        table.table_data.row.add(cell=[to_value(v, c.proto) for v, c in zip(values, columns, strict=True)])
    return table


def output_columns(statement: Any) -> list[Column]:
    """Columns of a resolved query, in order."""
    return [Column(c.name, c.column.type) for c in statement.output_column_list]


def _catalog(tables: Mapping[str, Iterable[Column]]) -> SimpleCatalogProto:
    catalog = SimpleCatalogProto(name="catalog")
    catalog.builtin_function_options.language_options.CopyFrom(_language())
    for number, (name, columns) in enumerate(tables.items(), start=1):
        table = catalog.table.add(name=name, serialization_id=number)
        for column in columns:
            table.column.add(name=column.name, type=column.proto)
    return catalog


@cache
def _language() -> LanguageOptionsProto:
    """BigQuery's dialect, as near as the public GoogleSQL comes."""
    ask = service.LanguageOptionsRequest(maximum_features=True)
    language = Engine(clock_us=0).call("GetLanguageOptions", ask, LanguageOptionsProto)
    refused = {options.LanguageFeature.Value(f"FEATURE_{name}") for name in NOT_IN_BIGQUERY}
    kept = [feature for feature in language.enabled_language_features if feature not in refused]
    language.ClearField("enabled_language_features")
    language.enabled_language_features.extend(kept)
    language.product_mode = options.PRODUCT_EXTERNAL
    language.ClearField("supported_statement_kinds")
    language.supported_statement_kinds.extend(n for k, n in ResolvedNodeKind.items() if k.endswith("_STMT"))
    return language


def _analyzer_options() -> AnalyzerOptionsProto:
    return AnalyzerOptionsProto(
        language_options=_language(), default_timezone="UTC", error_message_mode=options.ERROR_MESSAGE_ONE_LINE
    )
