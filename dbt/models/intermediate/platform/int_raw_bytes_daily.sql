-- Reads every column of the replaced dates, copies and excluded traffic included: they are stored and billed.
{%- set tables = {'traces': 'start_time', 'logs': 'time', 'metrics': 'time', 'dead_letters': 'ingest_time'} %}
with measured as (
    {%- for table, time in tables.items() %}
    {%- set columns = lake_columns()[table] %}
    select
        {{ event_date(time) }} as event_date,
        '{{ table }}' as table_name,
        {%- for key in ('deployment_environment', 'service_namespace', 'service_name') %}
        {{ key_text('stored.' ~ key) if key in columns else "'(all)'" }} as {{ key }},
        {%- endfor %}
        count(*) as row_count,
        {{ total_logical_bytes('stored', columns) }} as logical_bytes,
    from {{ source('observability', table) }} as stored
    where {{ in_dates(event_date(time)) }}
    group by event_date, table_name, deployment_environment, service_namespace, service_name
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (  -- DuckDB groups by the column that is named, not by the key that is made of it
    select
        event_date,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,
        cast(sum(row_count) as int64) as row_count,
        cast(sum(logical_bytes) as int64) as logical_bytes,
    from measured
    group by event_date, table_name, deployment_environment, service_namespace, service_name
)

select * from final
