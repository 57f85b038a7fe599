{{ config(meta={'days_before': 1}) }}
-- A registration after midnight may belong to a session of the evening before.
with facts as (
    select * from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact = 'registration'
),

session_events as (
    select fact_key, session_key
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'registration'
),

final as (
    select
        facts.event_date,

        {{ digest('facts.fact_key') }} as registration_id,
        facts.trace_id,
        session_events.session_key,
        coalesce(facts.actor_user_id, facts.user_name) as user_id,

        facts.deployment_environment,
        facts.service_namespace,
        facts.service_name,
        facts.service_version,
        facts.signal as registration_source,

        facts.duration_ms,
        facts.signal_count,

        facts.is_error,

        facts.fact_time as registration_time,
    from facts
    left join session_events
        on session_events.fact_key = facts.fact_key
)

select * from final
