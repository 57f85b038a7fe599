with slots as (
    select * from {{ ref('int_sli_5m') }}
    where {{ in_dates('event_date') }}
),

slos as (
    select * from {{ ref('int_slos') }}
),

final as (
    select
        slots.event_date,
        {{ slo_series('slots') }},
        slos.basis_hash,
        cast(sum(slots.budget_good_micros) as int64) as good_micros,
        cast(sum(slots.budget_valid_micros) as int64) as valid_micros,
        cast(sum(slots.excluded_micros) as int64) as excluded_micros,
        cast(sum(slots.observed_valid_count) as int64) as observed_valid_count,
        cast(sum(slots.unmeasured_count) as int64) as unmeasured_count,
        count(*) as slot_count,
        count(case when slots.valid_micros > 0 then 1 end) as data_slot_count,
        count(case when slots.is_excluded then 1 end) as maintenance_slot_count,
    from slots
    inner join slos
        on slos.slo_id = slots.slo_id
    group by slots.event_date, {{ slo_series('slots') }}, slos.basis_hash
)

select * from final
