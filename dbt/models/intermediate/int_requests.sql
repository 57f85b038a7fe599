{{ config(meta={'days_before': 1}) }}
-- A span without kind SERVER counts when nothing above it in its own service does; its parent may start a day earlier.
with spans as {{ not_materialized() }} (
    select
        event_date,
        trace_id,
        span_id,
        parent_span_id,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        span_kind,
        name,
        http_route,
        http_method,
        http_status_code,
        error_type,
        duration_ns,
        weight_micros,
        is_error,
        is_http_5xx,
        is_excluded,
        start_time,
    from {{ ref('stg_otel__spans') }}
    where {{ in_read_dates('event_date') }}
),

parents as (
    select distinct trace_id, span_id, service_name from spans
),

candidates as (
    select * from spans
    where {{ in_dates('event_date') }}
        and not is_excluded
        and (
            span_kind = 'SERVER'
            or (span_kind in ('INTERNAL', 'UNSPECIFIED', '(not set)') and coalesce(http_route, http_method) is not null)
        )
),

requests as (
    select candidates.*
    from candidates
    left join parents
        on parents.trace_id = candidates.trace_id
        and parents.span_id = candidates.parent_span_id
        and parents.service_name = candidates.service_name
    where candidates.span_kind = 'SERVER' or parents.span_id is null
),

final as (
    select
        event_date,

        trace_id,
        span_id,
        parent_span_id,

        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        coalesce(http_route, name) as operation,
        {{ key_text('http_method') }} as http_method,
        case
            when http_status_code between 100 and 599 then concat(substr(cast(http_status_code as string), 1, 1), 'xx')
            else '(not set)'
        end as status_class,
        error_type,

        http_status_code,
        duration_ns,
        weight_micros,

        is_error,
        is_http_5xx,
        coalesce(duration_ns >= 0, false) as has_latency,

        start_time,
    from requests
)

select * from final
