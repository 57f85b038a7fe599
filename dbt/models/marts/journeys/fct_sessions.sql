with session_events as (
    select
        *,
        max(page_number) over (partition by event_date, session_key) as page_view_count,
    from {{ ref('int_session_events') }}
    where {{ in_dates('event_date') }}
),

{{ bot_names('session_events') }},

events as (
    select
        session_events.*,
        bot_names.bot_name,
    from session_events
    left join bot_names
        on bot_names.bot_name = session_events.user_agent_name
),

sessions as (
    select
        event_date,
        session_key,
        deployment_environment,
        service_namespace,
        page_view_count,
        min(session_id) as session_id,
        min(user_id) as user_id,
        min(user_agent_name) as user_agent_name,
        min(case when fact = 'page_view' and page_number = 1 then page_name end) as landing_page_name,
        min(case when fact = 'page_view' and page_number = page_view_count then page_name end) as exit_page_name,
        count(case when fact = 'user_action' then 1 end) as user_action_count,
        count(case when fact = 'login' then 1 end) as login_count,
        count(case when fact = 'registration' then 1 end) as registration_count,
        count(case when fact = 'order' and not is_error then 1 end) as order_count,
        count(case when fact = 'order' and is_error then 1 end) as failed_order_count,
        count(case when is_error then 1 end) as error_count,
        count(user_agent_synthetic_type) as synthetic_count,
        count(user_agent_name) as agent_count,
        count(bot_name) as bot_count,
        min(activity_us) as first_us,
        max(activity_us) as last_us,
    from events
    group by event_date, session_key, deployment_environment, service_namespace, page_view_count
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        sessions.event_date,

        session_key,
        session_id,
        user_id,

        sessions.deployment_environment,
        sessions.service_namespace,
        user_agent_name,
        landing_page_name,
        exit_page_name,

        page_view_count,
        user_action_count,
        login_count,
        registration_count,
        order_count,
        failed_order_count,
        error_count,
        (last_us - first_us) / 1000000 as duration_seconds,
        coverage.coverage_ratio,

        page_view_count = 1 as is_bounce,
        page_view_count > 1 or order_count > 0 or last_us - first_us >= 10000000 as is_engaged,
        user_id is not null as has_user,
        order_count > 0 as has_order,
        synthetic_count > 0 or (bot_count > 0 and bot_count = agent_count) as is_bot,

        {{ from_unix_us('first_us') }} as session_start_time,
        {{ from_unix_us('last_us') }} as session_end_time,
    from sessions
    {{ join_coverage('sessions') }}
)

select * from final
