with outcomes as (
    select * from {{ ref('int_funnel_outcomes') }}
    where {{ in_dates('event_date') }}
        and not has_continued
),

final as (
    select
        event_date,

        funnel,
        {{ digest('entry_key') }} as entry_id,
        session_key,

        deployment_environment,
        service_namespace,
        step_number as last_step_number,
        step_name as last_step_name,
        next_step_name as missing_step_name,
        cause,
        service_name,
        service_version,
        operation,
        error_type,
        trace_id,
        {{ trace_url('trace_id') }} as trace_url,

        http_status_code,
        duration_ns / 1000000 as duration_ms,

        is_bot,

        step_time as last_step_time,
        window_end_time,
    from outcomes
)

select * from final
