-- Sessions that reached each step of each funnel, by the day of their first step and over all days.
with steps as (
    select
        if(grouping(event_date) = 0, 'day', 'all') as level,
        funnel as funnel_name,
        event_date,
        step_number,
        min(step_name) as step_name,
        cast(sum(session_count) as bigint) as reached_count,
        cast(sum(entered_session_count) as bigint) as entered_count,
        cast(sum(previous_step_session_count) as bigint) as previous_count,
        cast(sum(dropped_session_count) as bigint) as lost_count,
    from marts.fct_funnel_daily
    where deployment_environment = $environment
    group by grouping sets ((funnel, event_date, step_number), (funnel, step_number))
),

final as (
    select
        *,
        reached_count / nullif(previous_count, 0) as step_conversion_ratio,
        reached_count / nullif(entered_count, 0) as total_conversion_ratio,
    from steps
)

select * from final
order by funnel_name, level, event_date, step_number
