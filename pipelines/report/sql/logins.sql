-- Login attempts by day, why they failed, and who fails suspiciously often.
with days as (
    select
        event_date,
        sum(attempt_count) as attempt_count,
        sum(success_count) as success_count,
        sum(locked_out_count) as locked_out_count,
        sum(error_count) as error_count,
    from marts.fct_logins_daily
    where deployment_environment = $environment
    group by event_date
),

reasons as (
    select
        failure_reason,
        cast(sum(failure_count) as bigint) as failure_count,
        max(user_count) as user_count,
        min(sample_trace_id) as sample_trace_id,
    from marts.fct_login_failures_daily
    where deployment_environment = $environment
    group by failure_reason
),

risks as (
    select
        event_date,
        risk,
        subject_kind,
        subject,
        failure_count,
        highest_failure_count,
        has_success,
        first_time,
        sample_trace_id,
    from marts.fct_login_risks_daily
    where deployment_environment = $environment
),

final as (
    select 'day' as level, * replace (cast(attempt_count as bigint) as attempt_count), success_count / attempt_count as success_ratio
    from days

    union all by name

    select 'reason' as level, * from reasons

    union all by name

    select 'risk' as level, * from risks
)

select * from final
order by level, event_date, failure_count desc, failure_reason, subject
