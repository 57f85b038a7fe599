{{ config(materialized='view') }}
{%- set key = 'event_date, mart_name, number_name, deployment_environment, service_namespace, part' %}
{%- set zone = var('reporting_time_zone') %}
{%- set settling_us = 3 * 3600 * 1000000 %}
{%- set settling_time = from_unix_us(unix_us('publish_time') ~ ' - ' ~ settling_us) %}
{%- set last_settling_time = from_unix_us(unix_us('last_build_time') ~ ' - ' ~ settling_us) %}
-- While a date lasts its numbers only grow, and its last rows come after it: the first value is that of the last build
-- in the date and the three hours after it. What had no row when a build came after these was nothing, and its first
-- revision restates it, but not where that build was the first to publish the number, or the funnel's step, for any
-- date. Dates of orders and revenue are those of the reporting time zone.
with published as (
    select
        *,
        mart_name = 'fct_revenue_daily' as is_local,
    from {{ ref('int_published_numbers') }}
),

first_published as (
    select
        mart_name,
        number_name,
        case when number_name = 'funnel_sessions' then part end as funnel_part,
        min(publish_time) as number_publish_time,
    from {{ ref('int_published_numbers') }}
    where event_date >= date '1970-01-01'
    group by mart_name, number_name, funnel_part
),

dated as (
    select
        published.*,
        published.publish_time = first_published.number_publish_time as is_new_number,
        case when is_local then {{ local_date('publish_time', zone) }} else {{ local_date('publish_time') }} end
            as publish_date,
        case when is_local then {{ local_date(settling_time, zone) }} else {{ local_date(settling_time) }} end
            as settling_date,
        case when is_local then {{ local_date(last_settling_time, zone) }} else {{ local_date(last_settling_time) }} end
            as last_settling_date,
    from published
    inner join first_published
        on first_published.mart_name = published.mart_name
        and first_published.number_name = published.number_name
        and coalesce(first_published.funnel_part, published.part) = published.part
),

first_revisions as (
    select
        *,
        coalesce(
            max(case when settling_date <= event_date then revision end) over (partition by {{ key }}),
            min(case when revision = 1 and last_settling_date > event_date and not is_new_number then 0 else 1 end)
                over (partition by {{ key }})
        ) as first_revision,
        max(revision) over (partition by {{ key }}) as current_revision,
    from dated
),

compared as (
    select
        {{ key }},
        max(case when revision = first_revision then number_value end) as first_value,
        max(case when revision = current_revision then number_value end) as current_value,
        count(case when revision > first_revision then 1 end) as restatement_count,
        count(case
            when revision > first_revision and {{ days_between('event_date', 'publish_date') }} >= {{ var('final_after_days') }} then 1
        end) as final_restatement_count,
        max(case when revision = current_revision then ledger_entry_count end)
        - max(case when revision = first_revision then ledger_entry_count end) as added_ledger_entry_count,
        max(case when revision = current_revision and revision > first_revision then cause end) as last_cause,
        min(case when revision = first_revision then publish_time end) as first_publish_time,
        max(case when revision > first_revision then publish_time end) as last_restatement_time,
    from first_revisions
    group by {{ key }}
),

final as (
    select
        event_date,

        mart_name,
        number_name,
        deployment_environment,
        service_namespace,
        part,
        last_cause,

        first_value,
        current_value,
        coalesce(current_value, 0) - coalesce(first_value, 0) as value_delta,
        restatement_count,
        final_restatement_count,
        added_ledger_entry_count,

        {{ days_between('event_date', as_of_date()) }} >= {{ var('final_after_days') }} as is_final,

        first_publish_time,
        last_restatement_time,
    from compared
)

select * from final
