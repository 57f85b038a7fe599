{{ config(materialized='table', partition_by=none) }}
{%- set last_day = 28 %}
with user_days as (
    select * from {{ ref('int_user_days') }}
    where event_date >= date '1970-01-01'
),

users as (
    select * from {{ ref('int_users') }}
),

last_day as (
    select max(event_date) as last_date from user_days
),

cohorts as (
    select
        first_date,
        deployment_environment,
        service_namespace,
        count(*) as cohort_user_count,
    from users
    group by first_date, deployment_environment, service_namespace
),

cohort_days as (
    select cohorts.*, days_since_first
    from cohorts
    cross join last_day
    cross join {{ integers(0, last_day, 'days_since_first') }}
    where {{ days_between('cohorts.first_date', 'last_day.last_date') }} >= days_since_first
),

seen as (
    select
        users.first_date,
        users.deployment_environment,
        users.service_namespace,
        {{ days_between('users.first_date', 'user_days.event_date') }} as days_since_first,
        count(*) as retained_user_count,
    from users
    inner join user_days
        on user_days.deployment_environment = users.deployment_environment
        and user_days.service_namespace = users.service_namespace
        and user_days.user_id = users.user_id
    group by users.first_date, users.deployment_environment, users.service_namespace, days_since_first
),

{{ coverage_of_days("event_date >= date '1970-01-01'") }},

final as (
    select
        cohort_days.first_date as event_date,

        cohort_days.deployment_environment,
        cohort_days.service_namespace,
        cohort_days.days_since_first,

        cohort_days.cohort_user_count,
        coalesce(seen.retained_user_count, 0) as retained_user_count,
        {{ ratio('coalesce(seen.retained_user_count, 0)', 'cohort_days.cohort_user_count') }} as retention_ratio,
        coverage.coverage_ratio,
    from cohort_days
    left join seen
        on seen.first_date = cohort_days.first_date
        and seen.deployment_environment = cohort_days.deployment_environment
        and seen.service_namespace = cohort_days.service_namespace
        and seen.days_since_first = cohort_days.days_since_first
    left join coverage
        on coverage.event_date = {{ add_days('cohort_days.first_date', 'cohort_days.days_since_first') }}
        and coverage.deployment_environment = cohort_days.deployment_environment
        and coverage.service_namespace = cohort_days.service_namespace
)

select * from final
