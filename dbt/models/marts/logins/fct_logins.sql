{{ config(meta={'days_before': 1}) }}
-- A login after midnight may belong to a session of the evening before.
with facts as (
    select
        *,
        {{ outcome('login_status', 'null', 'is_error', 'is_named_a_failure') }} as outcome,
    from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact = 'login'
),

session_events as (
    select fact_key, session_key
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'login'
),

final as (
    select
        facts.event_date,

        {{ digest('facts.fact_key') }} as login_id,
        facts.trace_id,
        session_events.session_key,
        coalesce(facts.actor_user_id, facts.user_name) as user_id,
        facts.client_address,

        facts.deployment_environment,
        facts.service_namespace,
        facts.service_name,
        facts.service_version,
        facts.outcome as login_status,
        coalesce(facts.login_failure_reason, facts.error_type) as failure_reason,

        facts.duration_ms,
        facts.signal_count,

        {{ is_success('facts.outcome') }} as is_success,
        coalesce({{ re_matches('lower(facts.login_failure_reason)', '(^|[^b])lock') }}, false) as is_locked_out,
        facts.is_error,

        facts.fact_time as login_time,
    from facts
    left join session_events
        on session_events.fact_key = facts.fact_key
)

select * from final
