with requests as (
    select * from {{ ref('int_requests') }}
    where {{ in_dates('event_date') }}
),

buckets as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        operation,
        http_method,
        duration_bucket,
        sum(weight_micros) as weight_micros,
    from {{ ref('fct_latency_sketch_hourly') }}
    where {{ in_dates('event_date') }}
    group by
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        operation,
        http_method,
        duration_bucket
),

cumulated as (
    select
        *,
        sum(weight_micros) over (
            partition by event_date, deployment_environment, service_namespace, service_name, operation, http_method
            order by duration_bucket
        ) as cumulative_weight,
        sum(weight_micros) over (
            partition by event_date, deployment_environment, service_namespace, service_name, operation, http_method
        ) as total_weight,
    from buckets
),

percentiles as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        operation,
        http_method,
        {{ sketch_percentile_bucket(50, 'duration_bucket', 'cumulative_weight', 'total_weight') }} as p50_bucket,
        {{ sketch_percentile_bucket(95, 'duration_bucket', 'cumulative_weight', 'total_weight') }} as p95_bucket,
        {{ sketch_percentile_bucket(99, 'duration_bucket', 'cumulative_weight', 'total_weight') }} as p99_bucket,
    from cumulated
    group by event_date, deployment_environment, service_namespace, service_name, operation, http_method
),

counts as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        operation,
        http_method,
        count(*) as observed_request_count,
        count(case when is_error then 1 end) as observed_error_count,
        count(case when is_http_5xx then 1 end) as observed_http_5xx_count,
        count(case when has_latency then 1 end) as observed_latency_count,
        sum(weight_micros) as weight_micros,
        sum(case when is_error then weight_micros else 0 end) as error_weight_micros,
        sum(case when is_http_5xx then weight_micros else 0 end) as http_5xx_weight_micros,
        max(case when has_latency then duration_ns end) as max_duration_ns,
        {{ trace_id_of_largest('duration_ns') }} as slowest_trace_id,
        min(case when is_error then trace_id end) as error_trace_id,
    from requests
    group by event_date, deployment_environment, service_namespace, service_name, operation, http_method
),

final as (
    select
        counts.event_date,

        counts.deployment_environment,
        counts.service_namespace,
        counts.service_name,
        counts.operation,
        counts.http_method,

        counts.weight_micros / 1000000 as request_count,
        counts.observed_request_count,
        counts.error_weight_micros / 1000000 as error_count,
        counts.observed_error_count,
        counts.http_5xx_weight_micros / 1000000 as http_5xx_count,
        counts.observed_http_5xx_count,
        counts.observed_latency_count,
        {{ ratio('counts.error_weight_micros', 'counts.weight_micros') }} as error_ratio,
        {{ ratio('counts.http_5xx_weight_micros', 'counts.weight_micros') }} as http_5xx_ratio,

        {{ sketch_value('percentiles.p50_bucket') }} as p50_duration_ms,
        {{ sketch_value('percentiles.p95_bucket') }} as p95_duration_ms,
        {{ sketch_value('percentiles.p99_bucket') }} as p99_duration_ms,
        counts.max_duration_ns / 1000000 as max_duration_ms,

        counts.slowest_trace_id,
        counts.error_trace_id,
    from counts
    left join percentiles
        on percentiles.event_date = counts.event_date
        and percentiles.deployment_environment = counts.deployment_environment
        and percentiles.service_namespace = counts.service_namespace
        and percentiles.service_name = counts.service_name
        and percentiles.operation = counts.operation
        and percentiles.http_method = counts.http_method
)

select * from final
