{{ config(materialized='table', partition_by=none) }}
-- Whole, from a row a user and day: a late row may move the day on which a user was new.
with user_days as (
    select * from {{ ref('int_user_days') }}
    where event_date >= date '1970-01-01'
),

users as (
    select * from {{ ref('int_users') }}
),

days as (
    select distinct event_date, deployment_environment, service_namespace
    from user_days
),

windows as (
    select
        days.event_date,
        days.deployment_environment,
        days.service_namespace,
        count(distinct case when user_days.event_date > {{ add_days('days.event_date', '-7') }} then user_days.user_id end) as active_user_7d_count,
        count(distinct user_days.user_id) as active_user_28d_count,
    from days
    inner join user_days
        on user_days.deployment_environment = days.deployment_environment
        and user_days.service_namespace = days.service_namespace
        and user_days.event_date > {{ add_days('days.event_date', '-28') }}
        and user_days.event_date <= days.event_date
    group by days.event_date, days.deployment_environment, days.service_namespace
),

daily as (
    select
        user_days.event_date,
        user_days.deployment_environment,
        user_days.service_namespace,
        count(*) as active_user_count,
        count(case when users.first_date = user_days.event_date then 1 end) as new_user_count,
    from user_days
    inner join users
        on users.deployment_environment = user_days.deployment_environment
        and users.service_namespace = user_days.service_namespace
        and users.user_id = user_days.user_id
    group by user_days.event_date, user_days.deployment_environment, user_days.service_namespace
),

{{ coverage_of_days("event_date >= date '1970-01-01'") }},

final as (
    select
        daily.event_date,

        daily.deployment_environment,
        daily.service_namespace,

        daily.active_user_count,
        daily.new_user_count,
        daily.active_user_count - daily.new_user_count as returning_user_count,
        windows.active_user_7d_count,
        windows.active_user_28d_count,
        {{ ratio('daily.active_user_count', 'windows.active_user_28d_count') }} as stickiness_ratio,
        coverage.coverage_ratio,
    from daily
    inner join windows
        using (event_date, deployment_environment, service_namespace)
    left join coverage
        on coverage.event_date = daily.event_date
        and coverage.deployment_environment = daily.deployment_environment
        and coverage.service_namespace = daily.service_namespace
)

select * from final
