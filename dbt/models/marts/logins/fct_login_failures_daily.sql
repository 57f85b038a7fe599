with failures as (
    select *, {{ key_text('failure_reason') }} as reason
    from {{ ref('fct_logins') }}
    where {{ in_dates('event_date') }}
        and not is_success
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        login_status,
        reason as failure_reason,

        count(*) as failure_count,
        count(distinct user_id) as user_count,
        min(trace_id) as sample_trace_id,
    from failures
    group by
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        login_status,
        reason
)

select * from final
