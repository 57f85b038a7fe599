-- Error groups of the environment, those met most first; and what was met each hour or day.
with hours as (
    select *, date_trunc($grain, hour_time) as time
    from marts.fct_errors_hourly
    where deployment_environment = $environment
),

groups as (
    select
        error_group_id,
        service_name,
        service_namespace,
        sum(exception_count) as exception_count,
        max(user_count) as most_users_an_hour,
    from hours
    group by all
),

samples as (
    select
        error_group_id,
        service_name,
        service_namespace,
        arg_min(exception_stacktrace, exception_time) as exception_stacktrace,
        arg_min(in_app_frames, exception_time) as in_app_frames,
        count(distinct user_id) as user_count,
    from marts.fct_errors
    where deployment_environment = $environment
    group by all
),

final as (
    select
        'group' as level,
        null as time,
        groups.service_name,
        dim.exception_type,
        dim.message_template,
        dim.first_version,
        dim.last_version,
        dim.regressed_in_version,
        dim.sample_trace_id,
        dim.first_seen_time,
        dim.last_seen_time,
        samples.in_app_frames,
        samples.exception_stacktrace,
        groups.exception_count,
        samples.user_count,
    from groups
    inner join marts.dim_error_groups as dim
        on dim.deployment_environment = $environment
        and dim.service_namespace = groups.service_namespace
        and dim.service_name = groups.service_name
        and dim.error_group_id = groups.error_group_id
    inner join samples
        on samples.service_namespace = groups.service_namespace
        and samples.service_name = groups.service_name
        and samples.error_group_id = groups.error_group_id

    union all by name

    select 'time' as level, time, sum(exception_count) as exception_count
    from hours
    group by time
)

select * from final
order by level, exception_count desc, service_name, exception_type, message_template, time
