-- Few columns on purpose: the only look for duplicates over all spans.
with spans as {{ not_materialized() }} (
    select
        {{ event_date('start_time') }} as event_date,
        trace_id,
        span_id,
        {{ key_text('kind') }} as span_kind,
    from {{ source('observability', 'traces') }}
    where {{ in_dates(event_date('start_time')) }}
),

final as (
    select
        event_date,
        trace_id,
        span_id,
        span_kind,
        count(*) as copy_count,
    from spans
    group by event_date, trace_id, span_id, span_kind
    having count(*) > 1
)

select * from final
