{{ config(meta={'days_before': 7}) }}
{%- set key = 'deployment_environment, service_namespace, service_name, operation, http_method' %}
-- An hour's row also changes with what comes late for the same hour of the week before.
with hours as (
    select * from {{ ref('fct_latency_hourly') }}
    where {{ in_read_dates('event_date') }}
),

final as (
    select
        hours.event_date,
        hours.hour_time,

        hours.deployment_environment,
        hours.service_namespace,
        hours.service_name,
        hours.operation,
        hours.http_method,

        hours.request_count,
        last_week.request_count as last_week_request_count,
        {{ ratio('hours.request_count', 'last_week.request_count') }} as request_count_factor,
        hours.error_ratio,
        last_week.error_ratio as last_week_error_ratio,
        hours.error_ratio - last_week.error_ratio as error_ratio_change,
        hours.p95_duration_ms,
        last_week.p95_duration_ms as last_week_p95_duration_ms,
        {{ ratio('hours.p95_duration_ms', 'last_week.p95_duration_ms') }} as p95_factor,
        hours.slowest_trace_id,
        hours.error_trace_id,

        last_week.hour_time is not null as has_last_week,
    from hours
    left join hours as last_week
        on last_week.event_date = {{ add_days('hours.event_date', '-7') }}
        and {{ us_between('last_week.hour_time', 'hours.hour_time') }} = 604800000000
        {%- for column in key.split(', ') %}
        and last_week.{{ column }} = hours.{{ column }}
        {%- endfor %}
)

select * from final
where {{ in_dates('event_date') }}
