{{ config(materialized='view') }}
{%- set key = 'event_date, mart_name, number_name, deployment_environment, service_namespace, part' %}
-- While a date lasts its numbers only grow: the first value is the one with which the date ended.
with published as (
    select
        *,
        {{ local_date('publish_time') }} as publish_date,
    from {{ ref('int_published_numbers') }}
),

first_revisions as (
    select
        *,
        coalesce(max(case when publish_date <= event_date then revision end) over (partition by {{ key }}), 1) as first_revision,
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
