with spans as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        excluded_reason,
        count(*) as observed_span_count,
        sum(weight_micros) as weight_micros,
        count(case when span_kind = 'SERVER' then 1 end) as observed_request_count,
        0 as log_record_count,
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
        and is_excluded
    group by event_date, deployment_environment, service_namespace, service_name, excluded_reason
),

logs as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        excluded_reason,
        0 as observed_span_count,
        0 as weight_micros,
        0 as observed_request_count,
        count(*) as log_record_count,
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
        and is_excluded
    group by event_date, deployment_environment, service_namespace, service_name, excluded_reason
),

excluded as (
    select * from spans
    union all
    select * from logs
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        excluded_reason,

        sum(weight_micros) / 1000000 as span_count,
        cast(sum(observed_span_count) as int64) as observed_span_count,
        cast(sum(observed_request_count) as int64) as observed_request_count,
        cast(sum(log_record_count) as int64) as log_record_count,
    from excluded
    group by event_date, deployment_environment, service_namespace, service_name, excluded_reason
)

select * from final
