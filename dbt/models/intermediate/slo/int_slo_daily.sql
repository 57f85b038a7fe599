with slots as (
    select * from {{ ref('int_sli_5m') }}
    where {{ in_dates('event_date') }}
),

final as (
    select
        event_date,
        {{ slo_series() }},
        cast(sum(budget_good_micros) as int64) as good_micros,
        cast(sum(budget_valid_micros) as int64) as valid_micros,
        cast(sum(excluded_micros) as int64) as excluded_micros,
        cast(sum(observed_valid_count) as int64) as observed_valid_count,
        cast(sum(unmeasured_count) as int64) as unmeasured_count,
        count(*) as slot_count,
        count(case when valid_micros > 0 then 1 end) as data_slot_count,
        count(case when is_excluded then 1 end) as maintenance_slot_count,
    from slots
    group by event_date, {{ slo_series() }}
)

select * from final
