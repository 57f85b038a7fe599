{# DuckDB views `observability.<table>` over the Parquet files of a lake; BigQuery has the tables themselves. #}
{% macro create_lake_views() %}
    {% if execute and target.type == 'duckdb' and flags.WHICH in ('run', 'build', 'seed', 'test', 'snapshot', 'freshness') %}
        {% set lake = env_var('OTELMART_LAKE', '../.otelmart/lake') %}
        {% if lake_file_count(lake ~ '/ingest_ledger/*.parquet') == 0 %}
            {{ exceptions.raise_compiler_error('no lake at ' ~ lake ~ ': run `otelmart ingest --from files:DIR --to lake:' ~ lake ~ '`, or set OTELMART_LAKE') }}
        {% endif %}
        {% do run_query('create schema if not exists observability') %}
        {% for table, columns in lake_columns().items() %}
            {% do run_query('create or replace view observability.' ~ table ~ ' as ' ~ lake_select(lake, table, columns)) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Columns that no file has yet (an older lake, or no file at all) are NULL of their type. #}
{% macro lake_select(lake, table, columns) %}
    {% set is_by_date = 'event_date' not in columns %}
    {% set pattern = lake_files(lake, table, columns) %}
    {% set types = dict(columns, event_date='date') %}
    {% set rows = 'read_parquet(\'' ~ pattern ~ '\', union_by_name = true, hive_partitioning = ' ~ is_by_date ~ ', hive_types_autocast = true)' %}
    {% set present = [] %}
    {% if lake_file_count(pattern) > 0 %}
        {% set present = run_query('describe select * from ' ~ rows).columns[0].values() | list %}
    {% endif %}
    {% set selected = [] %}
    {% for column, type in types.items() %}
        {% do selected.append('cast(' ~ ('"' ~ column ~ '"' if column in present else 'null') ~ ' as ' ~ type ~ ') as "' ~ column ~ '"') %}
    {% endfor %}
    {{ return('select ' ~ selected | join(', ') ~ (' from ' ~ rows if present else ' where false')) }}
{% endmacro %}

{# The files of a table: in a folder for each date, unless the date is a column of its own. #}
{% macro lake_files(lake, table, columns) %}
    {{ return(lake ~ '/' ~ table ~ ('/*.parquet' if 'event_date' in columns else '/*/*.parquet')) }}
{% endmacro %}

{% macro lake_file_count(pattern) %}
    {{ return(run_query('select count(*) from glob(\'' ~ pattern ~ '\')').columns[0].values()[0]) }}
{% endmacro %}
