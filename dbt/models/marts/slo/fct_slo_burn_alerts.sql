{{ config(meta={'days_before': 3}) }}
with units as (
    select * from {{ ref('int_sli_5m') }}
    where {{ in_read_dates('event_date') }}
),

slos as (
    select * from {{ ref('slos') }}
),

alerts as (
    select * from {{ ref('slo_alerts') }}
),

-- what was counted on a date matters to it and the three that follow, whose windows begin up to three days earlier
nearby as (
    select distinct
        {{ add_days('units.event_date', 'days_later') }} as event_date,
        {{ slo_series('units') }},
        dense_rank() over (order by {{ slo_series('units') }}) * {{ series_stride() }} as series_point,
        days_later >= 0 as is_evaluated,
    from units
    cross join {{ integers(-3, 3, 'days_later') }}
),

-- a point is a series and a slot in one number
grid as (
    select distinct
        {{ slo_series('nearby') }},
        nearby.series_point,
        {{ first_slot_number('nearby.event_date') }} + slot_of_day as slot_number,
    from nearby
    cross join {{ integers(0, slots_per_day() - 1, 'slot_of_day') }}
),

-- a window's sum is the difference of two running totals
totals as (
    select
        grid.series_point + grid.slot_number as point,
        sum(coalesce(units.budget_good_micros, 0)) over series_so_far as good_micros,
        sum(coalesce(units.budget_valid_micros, 0)) over series_so_far as valid_micros,
        sum(coalesce(units.observed_valid_count, 0)) over series_so_far as observed_valid_count,
    from grid
    left join units
        on units.slo_id = grid.slo_id
        and units.deployment_environment = grid.deployment_environment
        and units.service_namespace = grid.service_namespace
        and units.service_name = grid.service_name
        and units.slot_number = grid.slot_number
    window series_so_far as (partition by grid.series_point order by grid.slot_number)
),

slots as (
    select distinct event_date, slot_number from units
    where {{ in_dates('event_date') }}
),

evaluated as (
    select
        slots.event_date,
        slots.slot_number,
        nearby.series_point + slots.slot_number as point,
        {{ slo_series('nearby') }},
        alerts.alert_name,
        alerts.severity,
        alerts.long_window_minutes,
        alerts.short_window_minutes,
        alerts.bad_ratio_threshold,
        alerts.burn_rate_threshold,
    from slots
    inner join nearby
        on nearby.event_date = slots.event_date
        and nearby.is_evaluated
    inner join alerts
        on alerts.slo_id = nearby.slo_id
),

windowed as (
    select
        evaluated.*,
        {%- for window in ('long', 'short') %}
        reached.good_micros - {{ window }}_start.good_micros as {{ window }}_good_micros,
        reached.valid_micros - {{ window }}_start.valid_micros as {{ window }}_valid_micros,
        reached.observed_valid_count - {{ window }}_start.observed_valid_count as {{ window }}_observed_valid_count,
        {%- endfor %}
    from evaluated
    inner join totals as reached
        on reached.point = evaluated.point
    {%- for window in ('long', 'short') %}
    inner join totals as {{ window }}_start
        on {{ window }}_start.point = evaluated.point - {{ int_div('evaluated.' ~ window ~ '_window_minutes', slot_minutes()) }}
    {%- endfor %}
),

-- counts against counts: no rounding, no division, and a target of 100 % asks for any bad event at all
compared as (
    select
        windowed.*,
        slos.target_ratio,
        slos.min_valid_count,
        slos.definition_hash,
        long_valid_micros - long_good_micros as long_bad_micros,
        short_valid_micros - short_good_micros as short_bad_micros,
        long_valid_micros - long_good_micros > long_valid_micros * bad_ratio_threshold as is_long_exceeded,
        short_valid_micros - short_good_micros > short_valid_micros * bad_ratio_threshold as is_short_exceeded,
    from windowed
    inner join slos
        on slos.slo_id = windowed.slo_id
),

final as (
    select
        event_date,
        {{ slot_time_of('slot_number') }} as slot_time,

        {{ slo_series() }},
        alert_name,
        severity,

        long_window_minutes,
        short_window_minutes,
        {%- for window in ('long', 'short') %}
        {{ window }}_bad_micros / 1000000 as {{ window }}_bad_count,
        {{ window }}_valid_micros / 1000000 as {{ window }}_valid_count,
        cast({{ window }}_observed_valid_count as int64) as {{ window }}_observed_valid_count,
        {{ ratio(window ~ '_bad_micros', window ~ '_valid_micros') }} as {{ window }}_bad_ratio,
        {{ ratio(to_float(window ~ '_bad_micros'), to_float('(1 - target_ratio) * ' ~ window ~ '_valid_micros')) }} as {{ window }}_burn_rate,
        {%- endfor %}
        bad_ratio_threshold,
        burn_rate_threshold,
        case
            when long_valid_micros <= 0 or short_valid_micros <= 0 then 'no_data'
            when long_observed_valid_count < min_valid_count then 'low_traffic'
            when is_long_exceeded and is_short_exceeded then 'firing'
            else 'quiet'
        end as state,
        definition_hash,
    from compared
)

select * from final
