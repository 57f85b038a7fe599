{{ config(materialized='table', partition_by=none) }}
{%- set key = 'deployment_environment, service_namespace, service_name' %}
{%- set usual_days = 7 %}
{%- set drop_below_ratio = 0.5 %}
-- Every date since a service was first seen, so that silence has a row; compared with the mean of the week before.
with days as (
    select
        event_date,
        {{ key }},
        sum(span_count) as span_count,
        sum(log_count) as log_count,
        sum(point_count) as point_count,
    from {{ ref('int_service_versions_daily') }}
    where event_date >= date '1970-01-01'
        and service_name != '(not set)'
    group by event_date, {{ key }}
),

last_day as (
    select max(event_date) as last_date from days
),

services as (
    select {{ key }}, min(event_date) as first_date
    from days
    group by {{ key }}
),

calendar as (
    select
        {{ add_days('services.first_date', 'day_number') }} as event_date,
        services.deployment_environment,
        services.service_namespace,
        services.service_name,
        day_number,
    from services
    cross join last_day
    cross join {{ integers(0, days_between('services.first_date', 'last_day.last_date'), 'day_number') }}
),

filled as (
    select
        calendar.event_date,
        calendar.deployment_environment,
        calendar.service_namespace,
        calendar.service_name,
        calendar.day_number,
        coalesce(days.span_count, 0) as span_count,
        coalesce(days.log_count, 0) as log_count,
        coalesce(days.point_count, 0) as point_count,
    from calendar
    left join days
        on days.event_date = calendar.event_date
        and days.deployment_environment = calendar.deployment_environment
        and days.service_namespace = calendar.service_namespace
        and days.service_name = calendar.service_name
),

compared as (
    select
        *,
        span_count + log_count + point_count as signal_count,
        sum(span_count + log_count + point_count) over week_before as usual_sum,
        count(*) over week_before as usual_day_count,
    from filled
    window week_before as (
        partition by {{ key }}
        order by event_date
        rows between {{ usual_days }} preceding and 1 preceding
    )
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,

        cast(span_count as int64) as span_count,
        cast(log_count as int64) as log_count,
        cast(point_count as int64) as point_count,
        {{ ratio('usual_sum', 'usual_day_count') }} as usual_signal_count,
        {{ ratio('signal_count * usual_day_count', 'usual_sum') }} as volume_factor,

        case
            when signal_count = 0 then 'silent'
            when usual_sum is null or usual_sum = 0 then 'new'
            when signal_count * usual_day_count < {{ drop_below_ratio }} * usual_sum then 'dropped'
            else 'present'
        end as state,
    from compared
)

select * from final
