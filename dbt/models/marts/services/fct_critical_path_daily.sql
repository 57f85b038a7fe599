{%- set key = 'event_date, deployment_environment, service_namespace, service_name, operation, span_kind' %}
with path as (
    select * from {{ ref('int_critical_path') }}
    where {{ in_dates('event_date') }}
),

sums as (
    select
        {{ key }},
        sum({{ to_wide_int('self_us') }} * weight_micros) as weighted_self_us,
        count(*) as observed_span_count,
        count(distinct trace_id) as observed_trace_count,
        max(self_us) as max_self_us,
    from path
    group by {{ key }}
),

totals as (
    select event_date, deployment_environment, sum(weighted_self_us) as weighted_self_us
    from sums
    group by event_date, deployment_environment
),

final as (
    select
        sums.event_date,

        sums.deployment_environment,
        sums.service_namespace,
        sums.service_name,
        sums.operation,
        sums.span_kind,

        {{ to_float('sums.weighted_self_us') }} / 1000000000000 as self_seconds,
        sums.observed_span_count,
        sums.observed_trace_count,
        {{ ratio(to_float('sums.weighted_self_us'), to_float('totals.weighted_self_us')) }} as self_time_ratio,
        sums.max_self_us / 1000 as max_self_ms,
    from sums
    inner join totals
        using (event_date, deployment_environment)
)

select * from final
