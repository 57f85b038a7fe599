{{ config(meta={'days_before': 1}) }}
{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name, service_version, operation, http_method, status_class, caller_name' %}
-- Requests by who asked: the service of the span above, which may have begun the day before.
with requests as (
    select
        *,
        {{ trunc('start_time', 'hour') }} as hour_time,
        case when has_latency then duration_ns / 1000000 end as duration_ms,
    from {{ ref('int_requests') }}
    where {{ in_dates('event_date') }}
),

callers as (
    select trace_id, span_id, min(service_name) as caller_name
    from {{ ref('stg_otel__spans') }}
    where {{ in_read_dates('event_date') }}
        and span_kind not in ('SERVER', 'CONSUMER')
    group by trace_id, span_id
),

called as (
    select
        requests.*,
        coalesce(callers.caller_name, case when requests.parent_span_id is null then '(none)' else '(unknown)' end) as caller_name,
    from requests
    left join callers
        on callers.trace_id = requests.trace_id
        and callers.span_id = requests.parent_span_id
),

{{ percentile_ctes('duration', 'called', key, 'duration_ms', 'weight_micros') }},

counts as (
    select
        {{ key }},
        sum(weight_micros) as weight_micros,
        sum(case when is_error then weight_micros else 0 end) as error_weight_micros,
        count(*) as observed_request_count,
        {{ trace_id_of_largest('duration_ns') }} as slowest_trace_id,
        min(case when is_error then trace_id end) as error_trace_id,
    from called
    group by {{ key }}
),

final as (
    select
        counts.event_date,
        counts.hour_time,

        counts.deployment_environment,
        counts.service_namespace,
        counts.service_name,
        counts.service_version,
        counts.operation,
        counts.http_method,
        counts.status_class,
        counts.caller_name,

        counts.weight_micros / 1000000 as request_count,
        counts.observed_request_count,
        counts.error_weight_micros / 1000000 as error_count,
        {{ ratio('counts.error_weight_micros', 'counts.weight_micros') }} as error_ratio,
        {{ percentile_columns('duration_percentiles') }}
        counts.slowest_trace_id,
        {{ trace_url('counts.slowest_trace_id') }} as slowest_trace_url,
        counts.error_trace_id,
        {{ trace_url('counts.error_trace_id') }} as error_trace_url,
    from counts
    left join duration_percentiles
        using ({{ key }})
)

select * from final
