{{ config(materialized='view') }}
{%- set key = 'event_date, mart_name, number_name, deployment_environment, service_namespace, part' %}
{%- set zone = var('reporting_time_zone') %}
{%- set settling_time = from_unix_us(unix_us('publish_time') ~ ' - ' ~ 3 * 3600 * 1000000) %}
-- While a date lasts its numbers only grow, and its last rows come after it: the first value is that of the last build
-- in the date and the three hours after it. Dates of orders and revenue are those of the reporting time zone.
with published as (
    select
        *,
        case when mart_name = 'fct_revenue_daily' then {{ local_date('publish_time', zone) }} else {{ local_date('publish_time') }} end
            as publish_date,
        case when mart_name = 'fct_revenue_daily' then {{ local_date(settling_time, zone) }} else {{ local_date(settling_time) }} end
            as settling_date,
    from {{ ref('int_published_numbers') }}
),

first_revisions as (
    select
        *,
        coalesce(max(case when settling_date <= event_date then revision end) over (partition by {{ key }}), 1) as first_revision,
        max(revision) over (partition by {{ key }}) as current_revision,
    from published
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
        current_value - first_value as value_delta,
        restatement_count,
        final_restatement_count,
        added_ledger_entry_count,

        {{ days_between('event_date', as_of_date()) }} >= {{ var('final_after_days') }} as is_final,

        first_publish_time,
        last_restatement_time,
    from compared
)

select * from final
