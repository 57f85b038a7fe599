{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name, service_version, operation_type, system, target, operation' %}
-- Work that a service asks of others, and messages it handles: its CLIENT, PRODUCER and CONSUMER spans, and database
-- spans of any kind.
with spans as (
    select
        event_date,
        {{ trunc('start_time', 'hour') }} as hour_time,
        trace_id,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        case
            when db_system is not null then 'database'
            when messaging_system is not null then 'messaging'
            when rpc_system is not null then 'rpc'
            when http_method is not null then 'http'
            else 'other'
        end as operation_type,
        coalesce(db_system, messaging_system, rpc_system, case when http_method is not null then 'http' end, '(not set)') as system,
        coalesce(db_collection, messaging_destination, rpc_service, peer_service, server_address, '(not set)') as target,
        coalesce(
            db_query_summary,
            db_operation,
            messaging_operation,
            rpc_method,
            case when http_method is not null then http_method || coalesce(' ' || http_route, '') end,
            name
        ) as operation,
        duration_ns,
        case when duration_ns >= 0 then duration_ns / 1000000 end as duration_ms,
        weight_micros,
        is_error,
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and (span_kind in ('CLIENT', 'PRODUCER', 'CONSUMER') or db_system is not null)
),

{{ percentile_ctes('duration', 'spans', key, 'duration_ms', 'weight_micros') }},

counts as (
    select
        {{ key }},
        sum(weight_micros) as weight_micros,
        sum(case when is_error then weight_micros else 0 end) as error_weight_micros,
        count(*) as observed_operation_count,
        count(case when is_error then 1 end) as observed_error_count,
        {{ trace_id_of_largest('duration_ns') }} as slowest_trace_id,
        min(case when is_error then trace_id end) as error_trace_id,
    from spans
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
        counts.operation_type,
        counts.system,
        counts.target,
        counts.operation,

        counts.weight_micros / 1000000 as operation_count,
        counts.observed_operation_count,
        counts.error_weight_micros / 1000000 as error_count,
        counts.observed_error_count,
        {{ ratio('counts.error_weight_micros', 'counts.weight_micros') }} as error_ratio,
        {{ percentile_columns('duration_percentiles') }}
        counts.slowest_trace_id,
        counts.error_trace_id,
    from counts
    left join duration_percentiles
        using ({{ key }})
)

select * from final
