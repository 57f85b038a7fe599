-- Failures are counted in windows side by side, of the length that the rule says, from midnight UTC.
with attempts as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        user_id,
        client_address,
        trace_id,
        is_success,
        {{ unix_us('login_time') }} as login_us,
    from {{ ref('fct_logins') }}
    where {{ in_dates('event_date') }}
),

subjects as (
    select *, 'user' as subject_kind, user_id as subject
    from attempts
    where user_id is not null
    union all
    select *, 'client_address' as subject_kind, client_address as subject
    from attempts
    where client_address is not null
),

rules as (
    select * from {{ ref('login_risk_rules') }}
),

windows as (
    select
        subjects.event_date,
        rules.risk,
        subjects.subject_kind,
        subjects.subject,
        subjects.deployment_environment,
        subjects.service_namespace,
        rules.min_failure_count,
        rules.min_user_count,
        {{ int_div('subjects.login_us', '(rules.window_minutes * 60000000)') }} as window_number,
        count(*) as attempt_count,
        count(case when not subjects.is_success then 1 end) as failure_count,
        count(distinct case when not subjects.is_success then subjects.user_id end) as failed_user_count,
        count(case when subjects.is_success then 1 end) as success_count,
        min(case when not subjects.is_success then subjects.trace_id end) as sample_trace_id,
        min(subjects.login_us) as first_us,
    from subjects
    inner join rules
        on rules.subject_kind = subjects.subject_kind
    group by
        subjects.event_date,
        rules.risk,
        subjects.subject_kind,
        subjects.subject,
        subjects.deployment_environment,
        subjects.service_namespace,
        rules.min_failure_count,
        rules.min_user_count,
        window_number
),

risky as (
    select * from windows
    where failure_count >= min_failure_count
        and greatest(failed_user_count, 1) >= min_user_count  -- who is not named is somebody
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        risk,
        subject_kind,
        subject,

        count(*) as window_count,
        cast(sum(attempt_count) as int64) as attempt_count,
        cast(sum(failure_count) as int64) as failure_count,
        max(failure_count) as highest_failure_count,
        max(failed_user_count) as highest_user_count,
        sum(success_count) > 0 as has_success,
        min(sample_trace_id) as sample_trace_id,

        {{ from_unix_us('min(first_us)') }} as first_time,
    from risky
    group by event_date, deployment_environment, service_namespace, risk, subject_kind, subject
)

select * from final
