{{ config(materialized='table', partition_by=none) }}
{%- set group_key = 'deployment_environment, service_namespace, service_name, error_group_id' %}
{%- set service_key = 'deployment_environment, service_namespace, service_name' %}
-- A group came back when a version has it, the version before has not, and one before that had. Versions follow each
-- other as they were first seen; of one hour, in which several may have been there before, as their numbers count.
with hours as (
    select * from {{ ref('fct_errors_hourly') }}
    where event_date >= date '1970-01-01'
),

versions as (
    select
        {{ service_key }},
        service_version,
        row_number() over (
            partition by {{ service_key }}
            order by {{ trunc('min(first_time)', 'hour') }}, {{ version_order('service_version') }}, service_version
        ) as version_number,
    from {{ ref('int_service_versions_daily') }}
    where event_date >= date '1970-01-01'
        and span_count + log_count > 0
    group by {{ service_key }}, service_version
),

group_versions as (
    select
        {{ group_key }},
        service_version,
        version_number,
        lag(version_number) over (partition by {{ group_key }} order by version_number) as previous_version_number,
    from (
        select distinct {{ group_key }}, service_version
        from hours
    ) as seen
    inner join versions
        using ({{ service_key }}, service_version)
),

edges as (
    select
        {{ group_key }},
        min(version_number) as first_version_number,
        max(version_number) as last_version_number,
        max(case when version_number > previous_version_number + 1 then version_number end) as regressed_version_number,
    from group_versions
    group by {{ group_key }}
),

totals as (
    select
        {{ group_key }},
        min(exception_type) as exception_type,
        min(message_template) as message_template,
        sum(weight_micros) as weight_micros,
        cast(sum(observed_exception_count) as int64) as observed_exception_count,
        count(distinct event_date) as day_count,
        count(distinct service_version) as version_count,
        min(sample_trace_id) as sample_trace_id,
        min(first_time) as first_seen_time,
        max(last_time) as last_seen_time,
    from hours
    group by {{ group_key }}
),

actors as (
    select
        {{ group_key }},
        count(distinct user_id) as user_count,
        count(distinct session_id) as session_count,
    from {{ ref('int_error_actors_daily') }}
    where event_date >= date '1970-01-01'
    group by {{ group_key }}
),

final as (
    select
        totals.error_group_id,

        totals.deployment_environment,
        totals.service_namespace,
        totals.service_name,
        totals.exception_type,
        totals.message_template,
        {{ key_text('first_versions.service_version') }} as first_version,
        {{ key_text('last_versions.service_version') }} as last_version,
        regressed_versions.service_version as regressed_in_version,
        totals.sample_trace_id,

        cast({{ fingerprint_version() }} as int64) as fingerprint_version,
        totals.weight_micros / 1000000 as exception_count,
        totals.observed_exception_count,
        coalesce(actors.user_count, 0) as user_count,
        coalesce(actors.session_count, 0) as session_count,
        totals.day_count,
        totals.version_count,

        edges.regressed_version_number is not null as is_regressed,

        totals.first_seen_time,
        totals.last_seen_time,
    from totals
    left join edges
        using ({{ group_key }})
    left join actors
        using ({{ group_key }})
    left join versions as first_versions
        on first_versions.deployment_environment = edges.deployment_environment
        and first_versions.service_namespace = edges.service_namespace
        and first_versions.service_name = edges.service_name
        and first_versions.version_number = edges.first_version_number
    left join versions as last_versions
        on last_versions.deployment_environment = edges.deployment_environment
        and last_versions.service_namespace = edges.service_namespace
        and last_versions.service_name = edges.service_name
        and last_versions.version_number = edges.last_version_number
    left join versions as regressed_versions
        on regressed_versions.deployment_environment = edges.deployment_environment
        and regressed_versions.service_namespace = edges.service_namespace
        and regressed_versions.service_name = edges.service_name
        and regressed_versions.version_number = edges.regressed_version_number
)

select * from final
