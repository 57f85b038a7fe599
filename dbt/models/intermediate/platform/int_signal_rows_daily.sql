-- Rows as they lie there, by what sent them, with how late they came: excluded traffic and copies included.
{%- set lateness_ms = us_between('event_time', 'ingest_time') ~ ' / 1000' %}
{%- set tables = {'traces': 'start_time', 'logs': 'time', 'metrics': 'time'} %}
with arrivals as (
    {%- for table, time in tables.items() %}
    select
        {{ event_date(time) }} as event_date,
        '{{ table }}' as table_name,
        {{ key_text('deployment_environment') }} as deployment_environment,
        {{ key_text('service_namespace') }} as service_namespace,
        {{ key_text('service_name') }} as service_name,
        {{ time }} as event_time,
        ingest_time,
    from {{ source('observability', table) }}
    where {{ in_dates(event_date(time)) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        event_date,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,
        {{ sketch_bucket('greatest(' ~ lateness_ms ~ ', 0)') }} as lateness_bucket,
        count(*) as row_count,
        count(case when ingest_time < event_time then 1 end) as early_row_count,
        count(case when {{ us_between('event_time', 'ingest_time') }} > 86400000000 then 1 end) as late_row_count,
        max({{ us_between('event_time', 'ingest_time') }}) as max_lateness_us,
        max(event_time) as last_event_time,
        max(ingest_time) as last_ingest_time,
    from arrivals
    group by event_date, table_name, deployment_environment, service_namespace, service_name, lateness_bucket
)

select * from final
