{{ config(meta={'days_before': 1}) }}
-- A page view of this morning may belong to a session of last night.
with facts as (
    select * from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact = 'page_view'
),

session_events as (
    select fact_key, session_key, page_number
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'page_view'
),

final as (
    select
        facts.event_date,

        {{ digest('facts.fact_key') }} as page_view_id,
        facts.trace_id,
        session_events.session_key,
        facts.actor_user_id as user_id,

        facts.deployment_environment,
        facts.service_namespace,
        facts.service_name,
        facts.service_version,
        facts.page_name,
        facts.page_url,
        facts.product_id,
        facts.user_agent_name,

        session_events.page_number,
        facts.page_load_time_ms,
        facts.signal_count,

        facts.is_error,
        facts.client_time is not null as is_seen_by_browser,
        facts.server_time is not null as is_seen_by_server,

        facts.fact_time as page_view_time,
    from facts
    left join session_events
        on session_events.fact_key = facts.fact_key
)

select * from final
