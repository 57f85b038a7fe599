with counted as (
    select
        error_group_id,
        deployment_environment,
        service_namespace,
        service_name,
        max(last_time) as last_time,
        sum(exception_count) as exception_count,
        arg_max(sample_trace_id, last_time) as sample_trace_id
    from fct_errors_hourly
    where
        event_date > (select max(event_date) from fct_errors_hourly) - $days::integer
        and ($environment is null or deployment_environment = $environment)
        and ($service is null or service_name = $service)
    group by all
),

people as (
    select
        error_group_id,
        deployment_environment,
        service_namespace,
        service_name,
        count(distinct user_id) as users,
        count(distinct session_id) as sessions
    from fct_errors
    where event_date > (select max(event_date) from fct_errors_hourly) - $days::integer
    group by all
)

select
    round(counted.exception_count, 1) as errors,
    people.users,
    people.sessions,
    counted.service_name as service,
    counted.deployment_environment as environment,
    groups.exception_type as type,
    groups.message_template as message,
    groups.first_seen_time as first_seen,
    counted.last_time as last_seen,
    groups.regressed_in_version as regressed_in,
    counted.sample_trace_id as sample_trace
from counted
inner join dim_error_groups as groups
    on counted.error_group_id = groups.error_group_id
    and counted.deployment_environment is not distinct from groups.deployment_environment
    and counted.service_namespace is not distinct from groups.service_namespace
    and counted.service_name is not distinct from groups.service_name
left join people
    on counted.error_group_id = people.error_group_id
    and counted.deployment_environment is not distinct from people.deployment_environment
    and counted.service_namespace is not distinct from people.service_namespace
    and counted.service_name is not distinct from people.service_name
order by errors desc, last_seen desc, counted.error_group_id
