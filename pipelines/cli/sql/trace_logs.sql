select
    time as log_time,
    coalesce(severity_text, severity_number::varchar) as severity,
    service_name,
    span_id,
    coalesce(exception_type, event_name) as event_name,
    body
from marts_staging.stg_otel__logs
where trace_id = $trace_id
order by time, row_ordinal, log_id
