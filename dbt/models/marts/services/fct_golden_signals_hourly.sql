{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name' %}
with requests as (
    select
        *,
        {{ trunc('start_time', 'hour') }} as hour_time,
        case when has_latency then duration_ns / 1000000 end as duration_ms,
    from {{ ref('int_requests') }}
    where {{ in_dates('event_date') }}
),

{{ percentile_ctes('duration', 'requests', key, 'duration_ms', 'weight_micros') }},

counts as (
    select
        {{ key }},
        sum(weight_micros) as weight_micros,
        sum(case when is_error then weight_micros else 0 end) as error_weight_micros,
        count(*) as observed_request_count,
        {{ trace_id_of_largest('duration_ns') }} as slowest_trace_id,
        min(case when is_error then trace_id end) as error_trace_id,
    from requests
    group by {{ key }}
),

saturation as (
    select
        {{ key }},
        max(case when resource = 'cpu' then max_utilization end) as max_cpu_utilization,
        max(case when resource = 'memory' then max_utilization end) as max_memory_utilization,
    from {{ ref('fct_saturation_hourly') }}
    where {{ in_dates('event_date') }}
    group by {{ key }}
),

final as (
    select
        counts.event_date,
        counts.hour_time,

        counts.deployment_environment,
        counts.service_namespace,
        counts.service_name,

        counts.weight_micros / 1000000 as request_count,
        counts.observed_request_count,
        counts.weight_micros / 3600000000 as requests_per_second,
        counts.error_weight_micros / 1000000 as error_count,
        {{ ratio('counts.error_weight_micros', 'counts.weight_micros') }} as error_ratio,
        {{ percentile_columns('duration_percentiles') }}
        saturation.max_cpu_utilization,
        saturation.max_memory_utilization,
        counts.slowest_trace_id,
        counts.error_trace_id,
    from counts
    left join duration_percentiles
        using ({{ key }})
    left join saturation
        using ({{ key }})
)

select * from final
