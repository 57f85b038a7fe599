{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name, metric_name, unit, attributes_text' %}
-- Gauges, and sums that may fall: what they were, never a rate.
with points as (
    select
        event_date,
        series_id,
        {{ trunc('time', 'hour') }} as hour_time,
        {{ exact_number('value') }} as value,
        row_number() over (
            partition by event_date, series_id, {{ trunc('time', 'hour') }}
            order by time_unix_nano desc, start_time_unix_nano desc
        ) as recency,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
        and (metric_type = 'GAUGE' or metric_type = 'SUM' and not coalesce(is_monotonic, false))
        and not coalesce(has_no_recorded_value, false)
),

series as (
    select * from {{ ref('int_metric_series') }}
    where {{ in_dates('event_date') }}
),

final as (
    select
        event_date,
        hour_time,

        deployment_environment,
        service_namespace,
        service_name,
        metric_name,
        unit,
        attributes_text,

        count(distinct series_id) as series_count,
        count(*) as point_count,
        {{ to_float('min(value)') }} as min_value,
        {{ to_float('max(value)') }} as max_value,
        {{ ratio(to_float('sum(value)'), 'count(value)') }} as mean_value,
        {{ to_float('sum(case when recency = 1 then value end)') }} as last_value_sum,
    from points
    inner join series
        using (event_date, series_id)
    group by {{ key }}
)

select * from final
