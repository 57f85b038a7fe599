{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- What a person did, step by step, and the backend requests that each step's trace met.
with events as (
    select * from {{ ref('int_session_events') }}
    where {{ in_dates('event_date') }}
),

requests as (
    select
        trace_id,
        count(*) as request_count,
        count(case when is_error or is_http_5xx then 1 end) as failed_request_count,
        max(case when has_latency then duration_ns end) as slowest_duration_ns,
        {{ trace_service_of_largest('duration_ns') }} as slowest_service_name,
    from {{ ref('int_requests') }}
    where {{ in_read_dates('event_date') }}
    group by trace_id
),

ordered as (
    select
        *,
        lag(activity_us) over (partition by event_date, session_key order by event_number) as previous_us,
        lag(fact_name) over (partition by event_date, session_key order by event_number) as previous_step_name,
    from events
),

final as (
    select
        ordered.event_date,

        ordered.session_key,
        ordered.trace_id,
        {{ trace_url('ordered.trace_id') }} as trace_url,
        ordered.session_id,
        ordered.user_id,

        ordered.deployment_environment,
        ordered.service_namespace,
        ordered.fact as step_type,
        {{ key_text('ordered.fact_name') }} as step_name,
        ordered.previous_step_name,
        requests.slowest_service_name,

        ordered.event_number as step_number,
        (ordered.activity_us - ordered.previous_us) / 1000000 as since_previous_seconds,
        coalesce(requests.request_count, 0) as request_count,
        coalesce(requests.failed_request_count, 0) as failed_request_count,
        requests.slowest_duration_ns / 1000000 as slowest_request_ms,

        ordered.is_error,

        ordered.activity_time as step_time,
    from ordered
    left join requests
        on requests.trace_id = ordered.trace_id
)

select * from final
