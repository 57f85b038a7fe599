with requests as (
    select
        *,
        {{ sketch_bucket('duration_ns / 1000000') }} as duration_bucket,
    from {{ ref('int_requests') }}
    where {{ in_dates('event_date') }}
        and has_latency
),

final as (
    select
        event_date,
        {{ trunc('start_time', 'hour') }} as hour_time,

        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        operation,
        http_method,
        status_class,

        duration_bucket,
        {{ sketch_value('duration_bucket') }} as duration_ms,
        sum(weight_micros) / 1000000 as request_count,
        count(*) as observed_request_count,
        cast(sum(weight_micros) as int64) as weight_micros,
    from requests
    group by
        event_date,
        hour_time,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        operation,
        http_method,
        status_class,
        duration_bucket
)

select * from final
