-- The worst traces: of each busy route those of its slowest and most failing hours or days, and one of each large error
-- group; then their spans, at most 200 a trace.
with hours as (
    select
        date_trunc($grain, hour_time) as time,
        concat_ws(' ', service_namespace, service_name, http_method, operation) as route_id,
        *,
    from marts.fct_latency_hourly
    where deployment_environment = $environment
),

routes as (
    select route_id, sum(request_count) as request_count
    from hours
    group by route_id
    order by request_count desc, route_id
    limit 16
),

candidates as (
    select 'slow' as reason, route_id, time, slowest_trace_id as trace_id, max_duration_ms as badness
    from hours
    where slowest_trace_id is not null

    union all

    select 'failed' as reason, route_id, time, error_trace_id as trace_id, error_count as badness
    from hours
    where error_trace_id is not null
),

cells as (
    select *
    from candidates
    where route_id in (select route_id from routes)
    qualify row_number() over (partition by reason, route_id, time order by badness desc, trace_id) = 1
),

worst_cells as (
    select *
    from cells
    qualify row_number() over (partition by reason, route_id order by badness desc, time) <= 3
),

error_groups as (
    select 'exception' as reason, sample_trace_id as trace_id
    from marts.dim_error_groups
    where deployment_environment = $environment
        and sample_trace_id is not null
    order by exception_count desc, error_group_id
    limit 8
),

exemplars as (
    select reason, route_id, time, trace_id, badness from worst_cells
    union all by name
    select reason, trace_id from error_groups
),

traces as (
    select *
    from marts.fct_traces
    where trace_id in (select trace_id from exemplars)
),

spans as (
    select
        spans.*,
        (start_time_unix_nano - min(start_time_unix_nano) over (partition by trace_id)) / 1e6 as offset_ms,
        row_number() over (partition by trace_id order by start_time_unix_nano, span_id, span_kind) as span_number,
    from marts_staging.stg_otel__spans as spans
    where trace_id in (select trace_id from traces)
),

final as (
    select 'exemplar' as level, exemplars.*, routes.request_count
    from exemplars
    left join routes using (route_id)

    union all by name

    select
        'trace' as level,
        trace_id,
        trace_url,
        root_service_name,
        root_operation,
        duration_ms,
        span_count,
        service_count,
        error_count,
        trace_start_time as time,
    from traces

    union all by name

    select
        'span' as level,
        spans.trace_id,
        spans.span_id,
        spans.parent_span_id,
        spans.span_kind,
        spans.service_name,
        left(spans.name, 200) as name,
        left(concat_ws(': ', spans.exception_type, spans.status_message), 300) as error_text,
        spans.is_error,
        spans.is_unfinished,
        spans.span_number,
        spans.offset_ms,
        spans.duration_ms,
    from spans
    where spans.span_number <= 200
)

select * from final
order by level, request_count desc, route_id, reason, badness desc, time, trace_id, span_number
