{{ config(meta={'days_before': 7}) }}
-- What each point of a counter or histogram adds to the one before it, on its date or the date before. A cumulative
-- series starts anew when its start_time changes or its value drops; processes that report one series at once are told
-- apart by their start_time. Where there is no point before of that start, it counts if it started after the one of
-- another, or within these two dates, or if its instance reported the metric on them since the same start and the series
-- has not been seen for seven days: then its attributes are new. Else what it held before is unknown, as of a point that
-- starts at its own time, by which a collector says that it knows no start. A point without value, or with none that is a
-- number, breaks it: the next is unknown too, unless it started since.
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
        max(event_date) over (
            partition by
                deployment_environment,
                service_namespace,
                service_name,
                service_instance_id,
                metric_name,
                start_time_unix_nano
            order by time_unix_nano
            range between unbounded preceding and 1 preceding
        ) as stream_date,
        time,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date', read_before=1) }}
        and metric_type in ('SUM', 'HISTOGRAM', 'EXPONENTIAL_HISTOGRAM')
        and (metric_type != 'SUM' or is_monotonic)
),

series_dates as (
    select
        event_date,
        series_id,
        lag(event_date) over (partition by series_id order by event_date) as seen_date,
    from {{ ref('int_metric_series') }}
    where {{ in_read_dates('event_date') }}
),

ordered as (
    select
        *,
        lag(event_date) over since_start as previous_date,
        lag(number) over since_start as previous_number,
        lag(total) over since_start as previous_total,
        nullif(start_time_unix_nano, 0) as known_start,
        lag(event_date) over series as last_date,
        lag(number) over series as last_number,
        nullif(lag(start_time_unix_nano) over series, 0) as last_start,
        lag(time_unix_nano) over series as last_time,
    from points
    window
        since_start as (partition by series_id, coalesce(start_time_unix_nano, 0) order by time_unix_nano),
        series as (partition by series_id order by time_unix_nano, start_time_unix_nano)
),

near as (
    select
        ordered.*,
        coalesce(ordered.previous_date >= {{ add_days('ordered.event_date', '-1') }}, false) as has_previous,
        coalesce(ordered.last_date >= {{ add_days('ordered.event_date', '-1') }}, false) as has_last,
        coalesce(ordered.stream_date >= {{ add_days('ordered.event_date', '-1') }}, false) as has_stream,
        coalesce(series_dates.seen_date >= {{ add_days('ordered.event_date', '-7') }}, false) as has_been_seen,
    from ordered
    left join series_dates
        on series_dates.event_date = ordered.event_date
        and series_dates.series_id = ordered.series_id
    where {{ in_dates('ordered.event_date') }}
),

judged as (
    select
        *,
        case
            when number is null then 'break'
            when temporality = 'DELTA' then 'delta'
            when known_start = time_unix_nano and not coalesce(has_last and number < last_number, false) then 'unknown'
            when has_last and last_number is null and coalesce(last_start = known_start, true) then
                case
                    when coalesce(last_start = known_start, known_start <= last_time, true) then 'unknown'
                    else 'reset'
                end
            when has_previous and previous_number is null then 'unknown'
            when has_previous and number < previous_number then 'reset'
            when has_previous then 'next'
            when has_last and known_start >= last_time then 'reset'
            when {{ local_date('start_time') }} >= {{ add_days('event_date', '-1') }} then 'first'
            when known_start is not null and has_stream and not has_been_seen then 'first'
            else 'unknown'
        end as kind,
    from near
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
