select
    spans.trace_id,
    spans.span_id,
    spans.parent_span_id,
    spans.deployment_environment,
    spans.service_name,
    spans.name,
    spans.span_kind,
    spans.status_code,
    spans.status_message,
    spans.exception_type,
    spans.is_error,
    spans.is_unfinished,
    spans.start_time,
    spans.start_time_unix_nano,
    spans.duration_ms,
    spans.excluded_reason
from marts_staging.stg_otel__spans as spans
where spans.trace_id = $trace_id
order by spans.start_time_unix_nano, spans.span_id
