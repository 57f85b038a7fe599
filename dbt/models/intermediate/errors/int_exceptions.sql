{{ config(meta={'days_before': 2, 'days_after': 1}) }}
{%- set exception = 'told_in, service_name, exception_type, exception_message' %}
-- The same exception on a span and in a log record is one; it may be told on both sides of midnight. Days later it is
-- another, in every build. Of a log record without a trace nothing else tells.
with signals as (
    select *, coalesce(trace_id, signal_id) as told_in
    from {{ ref('int_exception_signals') }}
    where {{ in_read_dates('event_date') }}
),

actors as (
    select event_date, trace_id, session_id, user_id
    from {{ ref('int_trace_actors') }}
    where {{ in_read_dates('event_date') }}
),

{{ continued_dates('signals', exception) }},

dated as (
    select
        signals.*,
        coalesce(continued.previous_date, signals.event_date) as exception_date,
    from signals
    left join continued
        on continued.told_in = signals.told_in
        and continued.service_name = signals.service_name
        and continued.exception_type = signals.exception_type
        and continued.exception_message = signals.exception_message
        and continued.event_date = signals.event_date
),

merged as (
    select
        {{ exception }},
        exception_date,
        min(trace_id) as trace_id,
        coalesce(min(nullif(deployment_environment, '(not set)')), '(not set)') as deployment_environment,
        coalesce(min(nullif(service_namespace, '(not set)')), '(not set)') as service_namespace,
        coalesce(min(nullif(service_version, '(not set)')), '(not set)') as service_version,
        min(telemetry_sdk_language) as telemetry_sdk_language,
        min(operation) as operation,
        min(user_id) as user_id,
        min(session_id) as session_id,
        min(exception_stacktrace) as exception_stacktrace,
        count(distinct case when signal = 'span' then signal_id end) as span_event_count,
        count(distinct case when signal = 'log' then signal_id end) as log_record_count,
        max(case when signal = 'span' then weight_micros end) as span_weight_micros,
        min(signal_time) as exception_time,
    from dated
    group by {{ exception }}, exception_date
),

final as (
    select
        merged.exception_date as event_date,

        {{ digest("merged.told_in || '/' || merged.service_name || '/' || merged.exception_type || '/' || merged.exception_message") }} as exception_id,
        merged.trace_id,
        coalesce(merged.user_id, actors.user_id, next_actors.user_id) as user_id,
        coalesce(merged.session_id, actors.session_id, next_actors.session_id) as session_id,

        merged.deployment_environment,
        merged.service_namespace,
        merged.service_name,
        merged.service_version,
        merged.operation,
        merged.exception_type,
        merged.exception_message,
        merged.exception_stacktrace,
        {{ stack_language('merged.telemetry_sdk_language', 'merged.exception_stacktrace') }} as language,

        merged.span_event_count,
        merged.log_record_count,
        case when merged.log_record_count > 0 then 1000000 else merged.span_weight_micros end as weight_micros,

        merged.exception_time,
    from merged
    left join actors
        on actors.trace_id = merged.trace_id
        and actors.event_date = merged.exception_date
    left join actors as next_actors
        on next_actors.trace_id = merged.trace_id
        and next_actors.event_date = {{ add_days('merged.exception_date', '1') }}
)

select * from final
where {{ in_dates('event_date') }}
