{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name' %}
with volume as (
    select * from {{ ref('fct_log_volume_hourly') }}
    where {{ in_dates('event_date') }}
),

final as (
    select
        event_date,
        hour_time,

        deployment_environment,
        service_namespace,
        service_name,

        cast(sum(log_record_count) as int64) as log_record_count,
        cast(sum(case when severity in ('ERROR', 'FATAL') then log_record_count else 0 end) as int64) as error_log_record_count,
        cast(sum(case when severity = 'WARN' then log_record_count else 0 end) as int64) as warning_log_record_count,
        count(case when is_new then 1 end) as new_template_count,
        {{ ratio("sum(case when severity in ('ERROR', 'FATAL') then log_record_count else 0 end)", 'sum(log_record_count)') }} as error_log_ratio,
    from volume
    group by {{ key }}
)

select * from final
