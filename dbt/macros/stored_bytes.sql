{#
    on-run-end: rows and bytes of every table, as the warehouse's own metadata and the lake's file footers tell, so that
    no row is read. BigQuery tells logical bytes, DuckDB and Parquet tell physical ones.
#}
{% macro remember_stored_bytes() %}
    {% if is_building() %}
        {% if target.type == 'duckdb' %}{% do run_query('checkpoint') %}{% endif %}
        {% do run_query('create or replace table ' ~ state_table('stored_bytes') ~ ' as ' ~ stored_bytes_sql()) %}
    {% endif %}
{% endmacro %}

{% macro stored_bytes_columns() %}
    {{ return('layer string, table_name string, row_count int64, logical_bytes int64, physical_bytes int64') }}
{% endmacro %}

{# {schema: layer} of the tables that are counted. #}
{% macro stored_layers() %}
    {{ return({
        'observability': 'raw', target.schema ~ '_staging': 'staging', target.schema ~ '_intermediate': 'intermediate',
        target.schema: 'mart'
    }) }}
{% endmacro %}

{% macro stored_bytes_sql() %}{{ return(adapter.dispatch('stored_bytes_sql')()) }}{% endmacro %}

{% macro bigquery__stored_bytes_sql() %}
    {%- for schema, layer in stored_layers().items() %}
    select
        '{{ layer }}' as layer,
        table_id as table_name,
        row_count,
        size_bytes as logical_bytes,
        cast(null as int64) as physical_bytes
    from `{{ target.project }}`.`{{ schema }}`.`__TABLES__`
    where type = 1 and not ends_with(table_id, '__dbt_tmp')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{% endmacro %}

{# Several tables may share a block: a segment ends where the next one in its block begins, or with the block. #}
{% macro duckdb__stored_bytes_sql() %}
    {%- set layers = stored_layers() -%}
    {%- set schemas = "('" ~ layers.keys() | join("', '") ~ "')" -%}
    {%- set tables = run_query('select schema_name, table_name from duckdb_tables() where schema_name in ' ~ schemas).rows -%}
    {%- set lake = lake_place() -%}
    with segments as (
        {%- for schema, table in tables %}
        select '{{ layers[schema] }}' as layer, '{{ table }}' as table_name, block_id, block_offset, additional_block_ids
        from pragma_storage_info('{{ schema }}.{{ table }}')
        where block_id >= 0
        union all
        {%- endfor %}
        select '' as layer, '' as table_name, 0 as block_id, 0 as block_offset, [] as additional_block_ids where false
    ),

    sized as (
        select
            layer,
            table_name,
            lead(block_offset, 1, block_size) over (partition by block_id order by block_offset) - block_offset
            + len(additional_block_ids) * block_size as physical_bytes,
        from segments
        cross join (select block_size from pragma_database_size() where database_name = current_database())
    ),

    counts as (
        {%- for schema, table in tables %}
        select '{{ layers[schema] }}' as layer, '{{ table }}' as table_name, count(*) as row_count from {{ schema }}.{{ table }}
        union all
        {%- endfor %}
        select '' as layer, '' as table_name, 0 as row_count where false
    )

    select
        counts.layer,
        counts.table_name,
        counts.row_count,
        cast(null as int64) as logical_bytes,
        cast(coalesce(sum(sized.physical_bytes), 0) as int64) as physical_bytes,
    from counts
    left join sized
        using (layer, table_name)
    group by counts.layer, counts.table_name, counts.row_count
    union all
    select 'raw', table_name, cast(sum(row_count) as int64), null, cast(sum(size) as int64)
    from {{ state_table('lake_parts') }}
    group by table_name
{% endmacro %}
