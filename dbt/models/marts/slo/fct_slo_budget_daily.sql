{{ config(materialized='table', partition_by=none) }}
-- Budgets look back over months of daily sums, which are few: built whole, they follow every correction.
with windows as (
    select * from {{ ref('int_slo_windows') }}
    where event_date >= date '1970-01-01'
),

days as (
    select * from {{ ref('int_slo_daily') }}
    where event_date >= date '1970-01-01'
),

slos as (
    select * from {{ ref('slos') }}
),

summed as (
    select
        windows.event_date,
        {{ slo_series('windows') }},
        windows.window_start_date,
        windows.window_end_date,
        coalesce(sum(days.good_micros), 0) as good_micros,
        coalesce(sum(days.valid_micros), 0) as valid_micros,
        coalesce(sum(days.excluded_micros), 0) as excluded_micros,
        coalesce(sum(days.observed_valid_count), 0) as observed_valid_count,
        coalesce(sum(days.unmeasured_count), 0) as unmeasured_count,
        coalesce(sum(days.data_slot_count), 0) as data_slot_count,
        coalesce(sum(days.maintenance_slot_count), 0) as maintenance_slot_count,
        coalesce(sum(case when days.event_date = windows.event_date then days.good_micros end), 0) as day_good_micros,
        coalesce(sum(case when days.event_date = windows.event_date then days.valid_micros end), 0) as day_valid_micros,
        coalesce(sum(case when days.event_date = windows.event_date then days.slot_count end), 0) as day_slot_count,
    from windows
    left join days
        on days.slo_id = windows.slo_id
        and days.deployment_environment = windows.deployment_environment
        and days.service_namespace = windows.service_namespace
        and days.service_name = windows.service_name
        and days.event_date between windows.window_start_date and windows.event_date
    group by windows.event_date, {{ slo_series('windows') }}, windows.window_start_date, windows.window_end_date
),

-- Occurrences may fail a share of the events so far; Timeslices a share of the whole window's time
budgeted as (
    select
        summed.*,
        slos.budgeting_method,
        slos.target_ratio,
        slos.slice_minutes,
        slos.min_valid_count,
        slos.definition_hash,
        1 - slos.target_ratio as allowed_ratio,
        summed.valid_micros - summed.good_micros as bad_micros,
        summed.day_valid_micros - summed.day_good_micros as day_bad_micros,
        case slos.budgeting_method
            when 'Timeslices' then
                ({{ days_between('summed.window_start_date', 'summed.window_end_date') }} + 1)
                * {{ int_div('1440', 'slos.slice_minutes') }} * 1000000
            else summed.valid_micros
        end * (1 - slos.target_ratio) as budget_micros,
        ({{ days_between('summed.window_start_date', 'summed.event_date') }} + 1) * {{ slots_per_day() }}
        - summed.maintenance_slot_count as expected_slot_count,
    from summed
    inner join slos
        on slos.slo_id = summed.slo_id
),

final as (
    select
        event_date,
        window_start_date,
        window_end_date,

        {{ slo_series() }},
        budgeting_method,

        good_micros / 1000000 as good_count,
        bad_micros / 1000000 as bad_count,
        valid_micros / 1000000 as valid_count,
        excluded_micros / 1000000 as excluded_count,
        cast(observed_valid_count as int64) as observed_valid_count,
        cast(unmeasured_count as int64) as unmeasured_count,
        {{ ratio('good_micros', 'valid_micros') }} as sli_ratio,
        target_ratio,
        case when valid_micros > 0 then good_micros >= target_ratio * valid_micros end as is_target_met,

        {{ to_float('budget_micros') }} / 1000000 as error_budget_count,
        {{ to_float('budget_micros - bad_micros') }} / 1000000 as error_budget_remaining_count,
        {{ ratio(to_float('bad_micros'), to_float('budget_micros')) }} as error_budget_consumed_ratio,
        {{ to_float('budget_micros * slice_minutes') }} / 1000000 as error_budget_minutes,
        {{ to_float('(budget_micros - bad_micros) * slice_minutes') }} / 1000000 as error_budget_remaining_minutes,

        day_bad_micros / 1000000 as day_bad_count,
        day_valid_micros / 1000000 as day_valid_count,
        {{ ratio(to_float('day_bad_micros'), to_float('day_valid_micros * allowed_ratio')) }} as day_burn_rate,
        case
            when bad_micros > 0 and bad_micros >= budget_micros then 0
            else {{ ratio(to_float('(budget_micros - bad_micros) * day_slot_count * ' ~ slot_minutes()), to_float('day_bad_micros * 60')) }}
        end as hours_to_exhaustion,

        cast(data_slot_count as int64) as data_slot_count,
        cast(expected_slot_count as int64) as expected_slot_count,
        {{ ratio('data_slot_count', 'expected_slot_count') }} as coverage_ratio,
        case
            when valid_micros <= 0 then 'no_data'
            when observed_valid_count < min_valid_count then 'low_traffic'
            when bad_micros > 0 and bad_micros >= budget_micros then 'exhausted'
            when day_bad_micros > day_valid_micros * allowed_ratio then 'burning'
            else 'ok'
        end as state,
        definition_hash,
    from budgeted
)

select * from final
