{{ config(materialized='table', partition_by=none) }}
with ledger as (
    select event_date, sum(accounted_row_count) as accounted_row_count
    from {{ ref('int_ledger_daily') }}
    where event_date >= date '1970-01-01'
        and table_name != 'dead_letters'
    group by event_date
),

final as (
    select
        event_date,

        {{ days_between('event_date', as_of_date()) }} as age_days,
        cast(accounted_row_count as int64) as accounted_row_count,

        {{ days_between('event_date', as_of_date()) }} >= {{ var('final_after_days') }} as is_final,
    from ledger
)

select * from final
