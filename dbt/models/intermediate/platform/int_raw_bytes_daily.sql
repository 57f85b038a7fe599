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
)

select * from measured
