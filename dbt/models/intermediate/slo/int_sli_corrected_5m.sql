{% set measures = [
    "good_micros", "valid_micros", "observed_good_count", "observed_valid_count", "unmeasured_count",
    "restated_good_count", "restated_valid_count",
] -%}
with counted as (
    select * from {{ ref('int_sli_counted_5m') }}
    where {{ in_dates('event_date') }}
),

corrections as (
    select * from {{ ref('int_slo_corrections') }}
),

restated as (
    select * from corrections
    where action = 'restate' and {{ in_dates('event_date') }}
),

-- what was counted, and what a person says was
stated as (
    select
        event_date, slot_number, {{ slo_series() }},
        good_micros, valid_micros, observed_good_count, observed_valid_count, unmeasured_count,
        0 as restated_good_count, 0 as restated_valid_count,
    from counted

    union all

    select
        event_date, slot_number, {{ slo_series() }},
        good_delta * 1000000, valid_delta * 1000000, 0, 0, 0,
        good_delta, valid_delta,
    from restated
),

totals as (
    select
        event_date, slot_number, {{ slo_series() }},
        {%- for column in measures %}
        cast(sum({{ column }}) as int64) as {{ column }},
        {%- endfor %}
    from stated
    group by event_date, slot_number, {{ slo_series() }}
),

-- a day ends with the last slot in which any objective saw an event: a running day has no future
day_ends as (
    select event_date, max(slot_number) as last_slot_number,
    from totals
    group by event_date
),

series as (
    select distinct event_date, {{ slo_series() }},
    from totals
),

slots as (
    select
        series.event_date,
        {{ first_slot_number('series.event_date') }} + slot_of_day as slot_number,
        {{ slo_series('series') }},
    from series
    inner join day_ends
        on day_ends.event_date = series.event_date
    cross join {{ integers(0, slots_per_day() - 1, 'slot_of_day') }}
    where {{ first_slot_number('series.event_date') }} + slot_of_day <= day_ends.last_slot_number
),

excluded as (
    select distinct slots.slot_number, {{ slo_series('slots') }}, true as is_excluded,
    from slots
    inner join corrections
        on corrections.action = 'exclude'
        and corrections.slo_id = slots.slo_id
        and slots.slot_number >= corrections.slot_number
        and slots.slot_number < corrections.end_slot_number
        and coalesce(corrections.deployment_environment, slots.deployment_environment) = slots.deployment_environment
        and coalesce(corrections.service_namespace, slots.service_namespace) = slots.service_namespace
        and coalesce(corrections.service_name, slots.service_name) = slots.service_name
),

final as (
    select
        slots.*,
        {%- for column in measures %}
        coalesce(totals.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        coalesce(excluded.is_excluded, false) as is_excluded,
    from slots
    left join totals using (slot_number, {{ slo_series() }})
    left join excluded using (slot_number, {{ slo_series() }})
)

select * from final
