{{ config(meta={'days_before': 1}) }}
-- What each point of a counter or histogram adds to the one before it. A cumulative series starts anew when its
-- start_time changes or its value drops. Its first point counts if it started within this day or the one before, or if
-- its instance reported the metric since the same start without it: then these attributes are new. Else what it held
-- before is unknown. A point without value, or with none that is a number, breaks it: the next is
-- unknown too, unless it started since.
with points as (
    select
        event_date,
        series_id,
        metric_type,
        temporality,
        coalesce(is_monotonic, false) as is_monotonic,
        case
            when has_no_recorded_value then null
            when metric_type = 'SUM' then coalesce({{ to_money('value_int') }}, {{ exact_number('value') }})
            else {{ to_money('count') }}
        end as number,
        case when metric_type != 'SUM' then {{ exact_number('sum') }} end as total,
        start_time,
        start_time_unix_nano,
        time_unix_nano,
        min(time_unix_nano) over (
            partition by
                deployment_environment,
                service_namespace,
                service_name,
                service_instance_id,
                metric_name,
                start_time_unix_nano
        ) as stream_first_nano,
        time,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_read_dates('event_date') }}
        and metric_type in ('SUM', 'HISTOGRAM', 'EXPONENTIAL_HISTOGRAM')
        and (metric_type != 'SUM' or is_monotonic)
),

ordered as (
    select
        *,
        lag(number) over series as previous_number,
        lag(total) over series as previous_total,
        lag(number is null) over series as was_break,
        nullif(start_time_unix_nano, 0) as known_start,
        nullif(lag(start_time_unix_nano) over series, 0) as previous_start,
        lag(time_unix_nano) over series as previous_time,
    from points
    window series as (partition by series_id order by time_unix_nano, start_time_unix_nano)
),

judged as (
    select
        *,
        case
            when number is null then 'break'
            when temporality = 'DELTA' then 'delta'
            when was_break and coalesce(known_start = previous_start, known_start <= previous_time, true) then 'unknown'
            when was_break is null then
                case
                    when {{ local_date('start_time') }} >= {{ add_days('event_date', '-1') }} then 'first'
                    when start_time_unix_nano > 0 and stream_first_nano < time_unix_nano then 'first'
                    else 'unknown'
                end
            when coalesce(known_start, 0) != coalesce(previous_start, 0) or number < previous_number then 'reset'
            else 'next'
        end as kind,
    from ordered
    where {{ in_dates('event_date') }}
),

final as (
    select
        event_date,
        series_id,
        time_unix_nano,
        start_time_unix_nano,

        kind,
        case
            when kind in ('delta', 'first', 'reset') then number
            when kind = 'next' then number - previous_number
        end as increase,
        case
            when kind in ('delta', 'first', 'reset') then total
            when kind = 'next' then total - previous_total
        end as total_increase,

        time,
    from judged
)

select * from final
