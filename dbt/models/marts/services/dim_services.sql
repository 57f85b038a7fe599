{{ config(materialized='table', partition_by=none) }}
{%- set key = 'deployment_environment, service_namespace, service_name' %}
with days as (
    select * from {{ ref('int_service_versions_daily') }}
    where event_date >= date '1970-01-01'
        and service_name != '(not set)'
),

owners as (
    select * from {{ ref('services') }}
),

seen as (
    select
        {{ key }},
        max(language) as language,
        count(distinct service_version) as version_count,
        sum(span_count) as span_count,
        sum(log_count) as log_count,
        sum(point_count) as point_count,
        min(first_time) as first_seen_time,
        max(last_time) as last_seen_time,
    from days
    group by {{ key }}
),

latest as (
    select {{ key }}, service_version as latest_version
    from days
    where span_count + log_count > 0
    qualify row_number() over (partition by {{ key }} order by last_time desc, service_version desc) = 1
),

owned as (
    select
        seen.deployment_environment,
        seen.service_namespace,
        seen.service_name,
        min(owners.owner) as owner,
        min(owners.tier) as tier,
        min(owners.runbook_url) as runbook_url,
        count(owners.service_name) > 0 as is_declared,
    from seen
    left join owners
        on owners.service_name = seen.service_name
        and coalesce(owners.service_namespace, seen.service_namespace) = seen.service_namespace
    group by seen.deployment_environment, seen.service_namespace, seen.service_name
),

final as (
    select
        seen.deployment_environment,
        seen.service_namespace,
        seen.service_name,
        owned.owner,
        owned.tier,
        owned.runbook_url,
        seen.language,
        latest.latest_version,

        seen.version_count,
        cast(seen.span_count as int64) as span_count,
        cast(seen.log_count as int64) as log_count,
        cast(seen.point_count as int64) as point_count,

        owned.is_declared,

        seen.first_seen_time,
        seen.last_seen_time,
    from seen
    inner join owned
        using ({{ key }})
    left join latest
        using ({{ key }})
)

select * from final
