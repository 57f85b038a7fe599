{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- Zipkin's tracers give the client and the server span of a call one id. Few columns, and rows only where that is so.
with halves as {{ not_materialized() }} (
    select
        event_date,
        trace_id,
        span_id,
        case when span_kind in ('CLIENT', 'PRODUCER') then service_name end as caller_name,
        case when span_kind in ('SERVER', 'CONSUMER') then service_name end as callee_name,
    from {{ ref('stg_otel__spans') }}
    where {{ in_read_dates('event_date') }}
        and span_kind in ('CLIENT', 'PRODUCER', 'SERVER', 'CONSUMER')
),

calls as (
    select
        min(event_date) as event_date,
        trace_id,
        span_id,
        min(caller_name) as caller_name,
        min(callee_name) as callee_name,
    from halves
    group by trace_id, span_id
)

select event_date, trace_id, span_id, caller_name
from calls
where caller_name is not null
    and callee_name is not null
    and {{ in_dates('event_date') }}
