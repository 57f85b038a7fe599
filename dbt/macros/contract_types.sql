{# Contracts are written in BigQuery's types; DuckDB reads them through this table. #}
{% macro duckdb_contract_columns(columns) %}
    {% set types = {'timestamp': 'timestamptz', 'float64': 'double', 'numeric': 'decimal(38, 9)', 'array<string>': 'varchar[]'} %}
    {% set translated = {} %}
    {% for name, column in columns.items() %}
        {% do translated.update({name: dict(column, data_type=types.get(column['data_type'], column['data_type']))}) %}
    {% endfor %}
    {{ return(translated) }}
{% endmacro %}

{% macro duckdb__get_empty_schema_sql(columns) %}
    {{ return(default__get_empty_schema_sql(duckdb_contract_columns(columns))) }}
{% endmacro %}

{% macro duckdb__get_table_columns_and_constraints() %}
    (
    {% for column in adapter.render_raw_columns_constraints(raw_columns=duckdb_contract_columns(model['columns'])) -%}
        {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
    )
{% endmacro %}
