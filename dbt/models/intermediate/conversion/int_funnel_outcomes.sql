{{ config(meta={'days_before': 1, 'days_after': 1}) }}
{%- set slow_ms = 1000 %}
-- Of each step but the last that an entry reached: whether the next one followed, and the worst backend request between.
with reached as (
    select
        event_date,
        funnel,
        entry_key,
        session_key,
        deployment_environment,
        service_namespace,
        step_number,
        step_name,
        is_bot,
        step_time,
        window_end_time,
    from {{ ref('int_funnel_sessions') }}
    where {{ in_dates('event_date') }}
),

followed as (
    select
        *,
        lead(step_time) over (partition by event_date, funnel, entry_key order by step_number) as next_step_time,
    from reached
),

outcomes as (
    select
        followed.*,
        next_steps.step_name as next_step_name,
        followed.next_step_time is not null as has_continued,
    from followed
    inner join {{ ref('funnel_steps') }} as next_steps
        on next_steps.funnel = followed.funnel
        and next_steps.step_number = followed.step_number + 1
),

events as (
    select distinct session_key, trace_id, activity_time
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
),

requests as (
    select
        trace_id,
        service_name,
        service_version,
        operation,
        http_status_code,
        error_type,
        duration_ns,
        is_error or is_http_5xx as is_failure,
        start_time,
    from {{ ref('int_requests') }}
    where {{ in_read_dates('event_date') }}
        and (is_error or is_http_5xx or duration_ns > {{ slow_ms }} * 1000000)
),

met as (
    select
        outcomes.event_date,
        outcomes.funnel,
        outcomes.entry_key,
        outcomes.step_number,
        requests.*,
        row_number() over (
            partition by outcomes.event_date, outcomes.funnel, outcomes.entry_key, outcomes.step_number
            order by
                case when requests.is_failure then 0 else 1 end,
                events.activity_time desc,
                requests.start_time desc,
                requests.trace_id,
                requests.service_name
        ) as request_number,
    from outcomes
    inner join events
        on events.session_key = outcomes.session_key
        and events.activity_time >= outcomes.step_time
        and events.activity_time <= coalesce(outcomes.next_step_time, outcomes.window_end_time)
    inner join requests
        on requests.trace_id = events.trace_id
),

final as (
    select
        outcomes.event_date,

        outcomes.funnel,
        outcomes.entry_key,
        outcomes.session_key,

        outcomes.deployment_environment,
        outcomes.service_namespace,
        cast(outcomes.step_number as int64) as step_number,
        outcomes.step_name,
        outcomes.next_step_name,
        case
            when met.is_failure then 'backend_error'
            when met.trace_id is not null then 'backend_slow'
            else 'none'
        end as cause,
        met.service_name,
        met.service_version,
        met.operation,
        met.error_type,
        met.trace_id,

        met.http_status_code,
        met.duration_ns,

        outcomes.has_continued,
        outcomes.is_bot,

        outcomes.step_time,
        outcomes.window_end_time,
    from outcomes
    left join met
        on met.event_date = outcomes.event_date
        and met.funnel = outcomes.funnel
        and met.entry_key = outcomes.entry_key
        and met.step_number = outcomes.step_number
        and met.request_number = 1
)

select * from final
