with slots as (
    select * from {{ ref('int_sli_5m') }}
    where {{ in_dates('event_date') }}
),

slos as (
    select * from {{ ref('slos') }}
),

final as (
    select
        slots.event_date,
        {{ slot_time_of('slots.slot_number') }} as slot_time,
        {{ slo_series('slots') }},

        slots.good_micros / 1000000 as good_count,
        (slots.valid_micros - slots.good_micros) / 1000000 as bad_count,
        slots.valid_micros / 1000000 as valid_count,
        slots.excluded_micros / 1000000 as excluded_count,
        slots.observed_good_count,
        slots.observed_valid_count - slots.observed_good_count as observed_bad_count,
        slots.observed_valid_count,
        slots.unmeasured_count,
        slots.restated_good_count,
        slots.restated_valid_count,

        {{ ratio('slots.good_micros', 'slots.valid_micros') }} as sli_ratio,
        slos.target_ratio,
        case
            when slots.is_excluded then 'maintenance'
            when slots.valid_micros <= 0 then 'no_data'
            when slots.good_micros >= slos.target_ratio * slots.valid_micros then 'ok'
            else 'breached'
        end as state,
        slos.definition_hash,
    from slots
    inner join slos
        on slos.slo_id = slots.slo_id
)

select * from final
