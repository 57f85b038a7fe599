with funnel_sessions as (
    select * from {{ ref('int_funnel_sessions') }}
    where {{ in_dates('event_date') }}
),

steps as (
    select * from {{ ref('funnel_steps') }}
),

funnel_days as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        funnel,
        is_bot,
        max(window_end_time) as window_end_time,
    from funnel_sessions
    group by event_date, deployment_environment, service_namespace, funnel, is_bot
),

reached as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        funnel,
        is_bot,
        step_number,
        count(*) as session_count,
        sum(since_first_step_us) as since_first_step_us,
    from funnel_sessions
    group by event_date, deployment_environment, service_namespace, funnel, is_bot, step_number
),

counted as (
    select
        funnel_days.event_date,
        funnel_days.deployment_environment,
        funnel_days.service_namespace,
        funnel_days.funnel,
        funnel_days.is_bot,
        funnel_days.window_end_time,
        steps.step_number,
        steps.step_name,
        coalesce(reached.session_count, 0) as session_count,
        reached.since_first_step_us,
    from funnel_days
    inner join steps
        on steps.funnel = funnel_days.funnel
    left join reached
        on reached.event_date = funnel_days.event_date
        and reached.deployment_environment = funnel_days.deployment_environment
        and reached.service_namespace = funnel_days.service_namespace
        and reached.funnel = funnel_days.funnel
        and reached.is_bot = funnel_days.is_bot
        and reached.step_number = steps.step_number
),

compared as (
    select
        *,
        first_value(session_count) over (
            partition by event_date, deployment_environment, service_namespace, funnel, is_bot
            order by step_number
        ) as entered_session_count,
        lag(session_count) over (
            partition by event_date, deployment_environment, service_namespace, funnel, is_bot
            order by step_number
        ) as previous_step_session_count,
    from counted
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        compared.event_date,

        compared.deployment_environment,
        compared.service_namespace,
        funnel,
        step_number,
        step_name,

        session_count,
        entered_session_count,
        previous_step_session_count,
        previous_step_session_count - session_count as dropped_session_count,
        {{ ratio('session_count', 'entered_session_count') }} as funnel_conversion_ratio,
        {{ ratio('session_count', 'previous_step_session_count') }} as step_conversion_ratio,
        {{ ratio('since_first_step_us', 'session_count') }} / 1000000 as mean_since_first_step_seconds,
        coverage.coverage_ratio,

        is_bot,

        window_end_time,
    from compared
    {{ join_coverage('compared') }}
)

select * from final
