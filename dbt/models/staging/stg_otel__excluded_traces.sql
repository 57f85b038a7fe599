{{ config(meta={'days_before': 1}) }}
-- A trace is excluded as a whole when its root span is, also on the day after, on which it may go on.
with roots as (
    select
        {{ event_date('start_time') }} as event_date,
        trace_id,
        name,
        service_name,
        http_route,
        {{ http_path() }} as http_path,
        user_agent_name,
        user_agent_synthetic_type,
    from {{ source('observability', 'traces') }}
    where {{ in_read_dates(event_date('start_time')) }}
        and parent_span_id is null
),

exclusions as (
    select * from {{ ref('excluded_traffic') }}
),

excluded as (
    select
        roots.event_date,
        roots.trace_id,
        min(exclusions.reason) as excluded_reason,
    from roots
    inner join exclusions
        on {{ matches_pattern(named_column('exclusions.column_name', 'roots', excludable_columns()), 'exclusions.value') }}
    group by roots.event_date, roots.trace_id
),

covered as (
    select event_date, trace_id, excluded_reason from excluded
    union all
    select {{ add_days('event_date', '1') }} as event_date, trace_id, excluded_reason from excluded
),

final as (
    select event_date, trace_id, min(excluded_reason) as excluded_reason
    from covered
    group by event_date, trace_id
)

select * from final
where {{ in_dates('event_date') }}
