"""schemas/*.json as dbt needs them: the sources' YAML, and the column types of the DuckDB views over a lake.

And a fingerprint of the macros, for dbt knows those of models only."""

import hashlib
from pathlib import Path

from pipelines import tables
from pipelines.payloads import SIGNALS

DBT = tables.SCHEMAS.parent / "dbt"
SOURCES = DBT / "models" / "staging" / "_sources.yml"
MACROS = DBT / "macros"
LAKE_COLUMNS = MACROS / "rendered" / "lake_columns.sql"
FINGERPRINT = MACROS / "rendered" / "macros_fingerprint.sql"

_DUCKDB = {
    "STRING": "varchar",
    "BYTES": "blob",
    "INT64": "bigint",
    "FLOAT64": "double",
    "BOOL": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamptz",
    "NUMERIC": "decimal(38, 9)",
}
_FRESHNESS = """\
        config:
          loaded_at_field: ingest_time
          freshness:
            warn_after: {{count: 1, period: hour}}
            error_after: {{count: 6, period: hour}}
            filter: "{{{{ '{column} >= timestamp_sub(current_timestamp(), interval 2 day)' if \
target.type == 'bigquery' else 'event_date >= current_date - 2' }}}}"
"""


def files() -> dict[Path, str]:
    """Text of each rendered file, by path."""
    return {SOURCES: sources_yaml(), LAKE_COLUMNS: lake_columns_macro(), FINGERPRINT: fingerprint_macro()}


def sources_yaml() -> str:
    """dbt source `observability` with every table and column described; signal tables carry a freshness check."""
    lines = [
        "# Rendered from schemas/ by `otelmart render`: do not edit.",
        "sources:",
        "  - name: observability",
        "    description: Raw OTLP rows, at least once, as the pipeline wrote them; in DuckDB views over the lake.",
        "    schema: observability",
        "    tables:",
    ]
    for name in tables.TABLES:
        lines += _table_lines(name)
    return "\n".join(lines) + "\n"


def lake_columns_macro() -> str:
    """Macro that returns, for each table, its columns with their DuckDB types."""
    lines = [
        "{# Rendered from schemas/ by `otelmart render`: do not edit. #}",
        "{% macro lake_columns() %}",
        "{{ return({",
    ]
    for name in tables.TABLES:
        lines.append(f"    '{name}': {{")
        lines += [f"        '{f['name']}': '{duckdb_type(f)}'," for f in tables.table(name)["schema"]["fields"]]
        lines.append("    },")
    return "\n".join([*lines, "}) }}", "{% endmacro %}"]) + "\n"


def duckdb_type(field: tables.Field) -> str:
    """DuckDB type of a field, without its nullability."""
    kind = _DUCKDB.get(field["type"], "")
    if field["type"] == "RECORD":
        kind = "struct(" + ", ".join(f'"{f["name"]}" {duckdb_type(f)}' for f in field["fields"]) + ")"
    return kind + "[]" if field["mode"] == "REPEATED" else kind


def _table_lines(name: str) -> list[str]:
    resource = tables.table(name)
    lines = [f"      - name: {name}", f"        description: {_quoted(resource['description'])}"]
    if name in SIGNALS:
        lines += _FRESHNESS.format(column=tables.partition_column(name)).splitlines()
    lines.append("        columns:")
    for field in resource["schema"]["fields"]:
        lines += [f"          - name: {field['name']}", f"            description: {_quoted(field['description'])}"]
    return lines


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def fingerprint_macro() -> str:
    """Macro that returns a fingerprint of the macros that are written by hand."""
    digest = hashlib.sha256()
    for path in sorted(MACROS.glob("*.sql")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return (
        "{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}\n"
        f"{{% macro macros_fingerprint() %}}{{{{ return('{digest.hexdigest()}') }}}}{{% endmacro %}}\n"
    )
