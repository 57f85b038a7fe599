with corrected as (
    select * from {{ ref('int_sli_corrected_5m') }}
    where {{ in_dates('event_date') }}
),

slos as (
    select * from {{ ref('slos') }}
),

-- maintenance takes a slot out of the count, and keeps what happened in it in sight
counted as (
    select
        corrected.event_date,
        corrected.slot_number,
        {{ slo_series('corrected') }},
        case when corrected.is_excluded then 0 else corrected.good_micros end as good_micros,
        case when corrected.is_excluded then 0 else corrected.valid_micros end as valid_micros,
        case when corrected.is_excluded then corrected.valid_micros else 0 end as excluded_micros,
        case when corrected.is_excluded then 0 else corrected.observed_good_count end as observed_good_count,
        case when corrected.is_excluded then 0 else corrected.observed_valid_count end as observed_valid_count,
        corrected.unmeasured_count,
        corrected.restated_good_count,
        corrected.restated_valid_count,
        corrected.is_excluded,
        slos.slice_target_ratio,
        {{ int_div('corrected.slot_number * ' ~ slot_minutes(), 'coalesce(slos.slice_minutes, 1440)') }} as slice_number,
    from corrected
    inner join slos
        on slos.slo_id = corrected.slo_id
),

sliced as (
    select
        *,
        slot_number = max(slot_number) over slice as is_slice_end,
        sum(good_micros) over slice as slice_good_micros,
        sum(valid_micros) over slice as slice_valid_micros,
    from counted
    window slice as (partition by event_date, {{ slo_series() }}, slice_number)
),

-- the budget pays per event, or per slice of time at the slice's end; a slice without data is neither good nor bad
final as (
    select
        event_date,
        slot_number,
        {{ slo_series() }},
        good_micros,
        valid_micros,
        excluded_micros,
        case
            when slice_target_ratio is null then good_micros
            when is_slice_end and slice_valid_micros > 0 and slice_good_micros >= slice_target_ratio * slice_valid_micros then 1000000
            else 0
        end as budget_good_micros,
        case
            when slice_target_ratio is null then valid_micros
            when is_slice_end and slice_valid_micros > 0 then 1000000
            else 0
        end as budget_valid_micros,
        observed_good_count,
        observed_valid_count,
        unmeasured_count,
        restated_good_count,
        restated_valid_count,
        is_excluded,
    from sliced
)

select * from final
