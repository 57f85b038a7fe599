{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- A record and the span it belongs to may lie on both sides of midnight.
with logs as (
    select
        event_date,
        log_id,
        trace_id,
        span_id,
        row_ordinal,
        deployment_environment,
        service_namespace,
        service_name,
        {{ severity('severity_number', 'severity_text') }} as severity,
        event_name,
        body,
        exception_type,
        time,
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and trace_id is not null
        and {{ severity('severity_number', 'severity_text') }} in ('WARN', 'ERROR', 'FATAL')
),

spans as (
    select trace_id, span_id, min(name) as span_name, min(http_route) as http_route, min(span_kind) as span_kind
    from {{ ref('stg_otel__spans') }}
    where {{ in_read_dates('event_date') }}
    group by trace_id, span_id
),

final as (
    select
        logs.event_date,

        logs.log_id,
        logs.trace_id,
        {{ trace_url('logs.trace_id') }} as trace_url,
        logs.span_id,

        logs.deployment_environment,
        logs.service_namespace,
        logs.service_name,
        logs.severity,
        logs.event_name,
        logs.body,
        logs.exception_type,
        spans.span_name,
        spans.span_kind,
        spans.http_route,

        row_number() over (
            partition by logs.event_date, logs.trace_id
            order by logs.time, logs.row_ordinal, logs.log_id
        ) as record_number,

        spans.span_id is not null as has_span,

        logs.time as log_time,
    from logs
    left join spans
        on spans.trace_id = logs.trace_id
        and spans.span_id = logs.span_id
)

select * from final
