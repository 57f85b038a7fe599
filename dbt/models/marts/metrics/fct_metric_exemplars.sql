with points as (
    select
        event_date,
        series_id,
        time_unix_nano,
        start_time_unix_nano,
        exemplars,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
        and {{ list_length('exemplars') }} > 0
),

series as (
    select * from {{ ref('int_metric_series') }}
    where {{ in_dates('event_date') }}
),

items as (
    select distinct
        points.event_date,
        points.series_id,
        exemplar.trace_id,
        {{ key_text("exemplar.span_id") }} as span_id,
        exemplar.value,
        exemplar.time as exemplar_time,
    from points
    {{ unnest_with_offset('points.exemplars', 'exemplar', 'position') }}
    where exemplar.trace_id is not null
),

final as (
    select
        items.event_date,

        items.series_id,
        items.trace_id,
        {{ trace_url('items.trace_id') }} as trace_url,
        items.span_id,

        series.deployment_environment,
        series.service_namespace,
        series.service_name,
        series.metric_name,
        series.unit,
        series.attributes_text,

        items.value,

        items.exemplar_time,
    from items
    inner join series
        on series.event_date = items.event_date
        and series.series_id = items.series_id
)

select * from final
