with spans as (
    select event_date, trace_id, session_id, user_id
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and coalesce(session_id, user_id) is not null
),

final as (
    select
        event_date,
        trace_id,
        min(session_id) as session_id,
        min(user_id) as user_id,
    from spans
    group by event_date, trace_id
)

select * from final
