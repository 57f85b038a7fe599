select
    steps.session_id as session,
    steps.step_number as step,
    steps.step_time as time,
    round(steps.since_previous_seconds, 1) as "after_s",
    steps.step_type as type,
    steps.step_name as name,
    steps.request_count as requests,
    steps.failed_request_count as failed,
    round(steps.slowest_request_ms, 1) as slowest_ms,
    steps.slowest_service_name as slowest_service,
    steps.is_error,
    steps.trace_id as trace
from fct_journey_steps as steps
inner join (
    select session_key, event_date, session_start_time
    from fct_sessions
    where (user_id in ($user, $pseudonym) or session_id = $user)
        and ($environment is null or deployment_environment = $environment)
) as sessions
    on steps.session_key = sessions.session_key and steps.event_date = sessions.event_date
order by sessions.session_start_time, steps.session_key, steps.step_number
