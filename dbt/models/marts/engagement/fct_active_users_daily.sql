{{ config(materialized='table', partition_by=none) }}
-- Whole, from a row a user and day: a late row may move the day on which a user was new.
with user_days as (
    select * from {{ ref('int_user_days') }}
    where event_date >= date '1970-01-01'
),

users as (
    select * from {{ ref('int_users') }}
),

-- A user counts from a day of theirs until their next one or until the window has passed, whichever is first: once.
spells as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        lead(event_date) over (
            partition by deployment_environment, service_namespace, user_id
            order by event_date
        ) as next_date,
        {{ add_days('event_date', '7') }} as end_7d_date,
        {{ add_days('event_date', '28') }} as end_28d_date,
    from user_days
),

changes as (
    select event_date, deployment_environment, service_namespace, 1 as change_7d, 1 as change_28d
    from spells
    union all
    select least(end_7d_date, coalesce(next_date, end_7d_date)), deployment_environment, service_namespace, -1, 0
    from spells
    union all
    select least(end_28d_date, coalesce(next_date, end_28d_date)), deployment_environment, service_namespace, 0, -1
    from spells
),

changes_daily as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        sum(change_7d) as change_7d,
        sum(change_28d) as change_28d,
    from changes
    group by event_date, deployment_environment, service_namespace
),

windows as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        cast(sum(change_7d) over days as int64) as active_user_7d_count,
        cast(sum(change_28d) over days as int64) as active_user_28d_count,
    from changes_daily
    window days as (partition by deployment_environment, service_namespace order by event_date)
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
    {{ join_coverage('daily') }}
)

select * from final
