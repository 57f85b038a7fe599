with errors as (
    select *, {{ trunc('exception_time', 'hour') }} as hour_time
    from {{ ref('fct_errors') }}
    where {{ in_dates('event_date') }}
),

final as (
    select
        event_date,
        hour_time,

        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        error_group_id,
        min(exception_type) as exception_type,
        min(message_template) as message_template,

        sum(weight_micros) / 1000000 as exception_count,
        cast(sum(weight_micros) as int64) as weight_micros,
        count(*) as observed_exception_count,
        cast(sum(span_event_count) as int64) as span_event_count,
        cast(sum(log_record_count) as int64) as log_record_count,
        count(distinct user_id) as user_count,
        count(distinct session_id) as session_count,
        min(trace_id) as sample_trace_id,

        min(exception_time) as first_time,
        max(exception_time) as last_time,
    from errors
    group by
        event_date,
        hour_time,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        error_group_id
)

select * from final
