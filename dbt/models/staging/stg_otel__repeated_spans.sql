-- Few columns on purpose: the only look for duplicates over all spans.
with spans as {{ not_materialized() }} (
    select
        {{ event_date('start_time') }} as event_date,
        trace_id,
        span_id,
        {{ key_text('kind') }} as span_kind,
        name,
        status_code,
        end_time_unix_nano,
    from {{ source('observability', 'traces') }}
    where {{ in_dates(event_date('start_time')) }}
),

repeated as (
    select
        event_date,
        trace_id,
        span_id,
        span_kind,
        count(*) as copy_count,
    from spans
    group by event_date, trace_id, span_id, span_kind
    having count(*) > 1
),

final as (
    select
        repeated.event_date,
        repeated.trace_id,
        repeated.span_id,
        repeated.span_kind,
        repeated.copy_count,
        count(distinct concat(
            spans.name, '|', coalesce(spans.status_code, ''), '|', coalesce(cast(spans.end_time_unix_nano as string), '')
        )) > 1 as has_conflicting_copy,
    from repeated
    inner join spans
        on spans.event_date = repeated.event_date
        and spans.trace_id = repeated.trace_id
        and spans.span_id = repeated.span_id
        and spans.span_kind = repeated.span_kind
    group by
        repeated.event_date,
        repeated.trace_id,
        repeated.span_id,
        repeated.span_kind,
        repeated.copy_count
)

select * from final
