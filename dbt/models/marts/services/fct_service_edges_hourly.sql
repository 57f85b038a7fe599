{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, caller_name, callee_namespace, callee_name, call_type' %}
with calls as (
    select
        *,
        {{ trunc('start_time', 'hour') }} as hour_time,
        duration_ns / 1000000 as duration_ms,
    from {{ ref('int_service_calls') }}
    where {{ in_dates('event_date') }}
),

{{ percentile_ctes('duration', 'calls', key, 'duration_ms', 'weight_micros') }},

counts as (
    select
        {{ key }},
        sum(weight_micros) as weight_micros,
        sum(case when is_error then weight_micros else 0 end) as error_weight_micros,
        count(*) as observed_call_count,
        count(case when is_error then 1 end) as observed_error_count,
        count(case when is_seen_by_caller and is_seen_by_callee then 1 end) as both_sides_count,
        {{ trace_id_of_largest('duration_ns') }} as slowest_trace_id,
        min(case when is_error then trace_id end) as error_trace_id,
    from calls
    group by {{ key }}
),

final as (
    select
        counts.event_date,
        counts.hour_time,

        counts.deployment_environment,
        counts.service_namespace,
        counts.caller_name,
        counts.callee_namespace,
        counts.callee_name,
        counts.call_type,

        counts.weight_micros / 1000000 as call_count,
        cast(counts.weight_micros as int64) as weight_micros,
        counts.error_weight_micros / 1000000 as error_count,
        cast(counts.error_weight_micros as int64) as error_weight_micros,
        counts.observed_call_count,
        counts.observed_error_count,
        counts.both_sides_count,
        {{ ratio('counts.error_weight_micros', 'counts.weight_micros') }} as error_ratio,
        {{ percentile_columns('duration_percentiles') }}
        counts.slowest_trace_id,
        counts.error_trace_id,
    from counts
    left join duration_percentiles
        using ({{ key }})
)

select * from final
