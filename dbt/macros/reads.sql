{#
    on-run-end: what each node of the run read, from DuckDB's log of metrics, which ends with the process. A statement
    names its node in dbt's query comment. Rows are those of the row groups and files that a scan did not skip.
#}
{% macro remember_reads() %}
    {% if is_building() and target.type == 'duckdb' %}
        {% do run_query('create or replace table ' ~ state_table('reads') ~ ' as ' ~ reads_sql()) %}
    {% endif %}
{% endmacro %}

{% macro reads_sql() %}
    with statements as (
        select
            max(value) filter (metric = 'query.sql') as sql,
            cast(max(value) filter (metric = 'query.total_rows_scanned') as int64) as rows_read,
            cast(max(value) filter (metric = 'io.total_bytes_read') as int64) as bytes_read,
        from duckdb_logs_parsed('Metrics')
        group by context_id, transaction_id, query_id
    )
    select
        regexp_extract(sql, '"node_id": "([^"]+)"', 1) as node_id,
        cast(sum(rows_read) as int64) as rows_read,
        cast(sum(bytes_read) as int64) as bytes_read,
    from statements
    where node_id != ''
    group by node_id
{% endmacro %}
