{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name, metric_name, unit, attributes_text' %}
with increases as (
    select *, {{ trunc('time', 'hour') }} as hour_time
    from {{ ref('int_metric_increases') }}
    where {{ in_dates('event_date') }}
),

series as (
    select * from {{ ref('int_metric_series') }}
    where {{ in_dates('event_date') }}
        and metric_type = 'SUM'
        and is_monotonic
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

        coalesce(sum(increase), 0) as increase,
        {{ to_float('coalesce(sum(increase), 0)') }} / 3600 as increase_per_second,
        count(distinct series_id) as series_count,
        count(*) as point_count,
        count(case when kind = 'reset' then 1 end) as reset_count,
        count(case when kind in ('break', 'unknown') then 1 end) as unknown_point_count,
    from increases
    inner join series
        using (event_date, series_id)
    group by {{ key }}
)

select * from final
