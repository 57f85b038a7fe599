{{ config(materialized='table', partition_by=none) }}
with days as (
    select * from {{ ref('int_slo_daily') }}
    where event_date >= date '1970-01-01'
),

slos as (
    select * from {{ ref('slos') }}
),

last_day as (
    select max(event_date) as last_date from days
),

series as (
    select
        {{ slo_series() }},
        min(event_date) as first_date,
    from days
    group by {{ slo_series() }}
),

-- every date since a series began, so that silence shows
dates as (
    select
        {{ add_days('series.first_date', 'day_number') }} as event_date,
        {{ slo_series('series') }},
    from series
    cross join last_day
    cross join {{ integers(0, days_between('series.first_date', 'last_day.last_date'), 'day_number') }}
),

-- whole units of the calendar, days or months, since the anchor
counted as (
    select
        dates.*,
        slos.window_kind,
        slos.window_unit,
        slos.window_length,
        case
            when slos.window_unit = 'day' then {{ days_between('slos.window_anchor_date', 'dates.event_date') }}
            else
                (extract(year from dates.event_date) - extract(year from slos.window_anchor_date)) * 12
                + extract(month from dates.event_date) - extract(month from slos.window_anchor_date)
        end as units_since_anchor,
    from dates
    inner join slos
        on slos.slo_id = dates.slo_id
),

positioned as (
    select
        *,
        case
            when window_kind = 'rolling' then window_length - 1
            else mod(mod(units_since_anchor, window_length) + window_length, window_length)
        end as units_into_window,
    from counted
),

started as (
    select
        *,
        case window_unit
            when 'day' then {{ add_days('event_date', '-units_into_window') }}
            else {{ month_start('event_date', 'units_into_window') }}
        end as window_start_date,
    from positioned
),

final as (
    select
        event_date,
        {{ slo_series() }},
        window_start_date,
        case window_unit
            when 'day' then {{ add_days('window_start_date', 'window_length - 1') }}
            else {{ add_days(month_start('window_start_date', '-window_length'), '-1') }}
        end as window_end_date,
    from started
)

select * from final
