{{ config(meta={'days_before': 1}) }}
-- Buckets of histograms and what each point adds to them, with their bounds. Exponential ones are brought to the lowest
-- scale of their series first, as OTLP scales down; their zero bucket spans its threshold, negative ones are mirrored.
with points as (
    select
        event_date,
        series_id,
        metric_type,
        temporality,
        time_unix_nano,
        start_time_unix_nano,
        time,
        scale,
        zero_count,
        coalesce(zero_threshold, 0) as zero_threshold,
        positive_offset,
        negative_offset,
        bucket_counts,
        explicit_bounds,
        positive_bucket_counts,
        negative_bucket_counts,
        min(scale) over (partition by series_id) as series_scale,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_read_dates('event_date') }}
        and metric_type in ('HISTOGRAM', 'EXPONENTIAL_HISTOGRAM')
),

explicit_buckets as (
    select
        {{ point_columns('points') }}
        'explicit' as bucket_kind,
        position as bucket_index,
        {{ list_item('points.explicit_bounds', 'position - 1') }} as lower_bound,
        {{ list_item('points.explicit_bounds', 'position') }} as upper_bound,
        item as bucket_count,
    from points
    {{ unnest_with_offset('points.bucket_counts', 'item', 'position') }}
    where points.metric_type = 'HISTOGRAM'
),

positive_buckets as (
    select
        {{ point_columns('points') }}
        points.series_scale,
        {{ shift_right('(points.positive_offset + position)', '(points.scale - points.series_scale)') }} as bucket_index,
        sum(item) as bucket_count,
    from points
    {{ unnest_with_offset('points.positive_bucket_counts', 'item', 'position') }}
    where points.metric_type = 'EXPONENTIAL_HISTOGRAM'
    group by
        {{ point_columns('points') }}
        points.series_scale,
        bucket_index
),

negative_buckets as (
    select
        {{ point_columns('points') }}
        points.series_scale,
        {{ shift_right('(points.negative_offset + position)', '(points.scale - points.series_scale)') }} as bucket_index,
        sum(item) as bucket_count,
    from points
    {{ unnest_with_offset('points.negative_bucket_counts', 'item', 'position') }}
    where points.metric_type = 'EXPONENTIAL_HISTOGRAM'
    group by
        {{ point_columns('points') }}
        points.series_scale,
        bucket_index
),

buckets as (
    select * from explicit_buckets
    union all
    select
        {{ point_columns() }}
        'positive' as bucket_kind, bucket_index,
        power(2, bucket_index * power(2, -series_scale)) as lower_bound,
        power(2, (bucket_index + 1) * power(2, -series_scale)) as upper_bound,
        cast(bucket_count as int64) as bucket_count,
    from positive_buckets
    union all
    select
        {{ point_columns() }}
        'negative' as bucket_kind, bucket_index,
        -power(2, (bucket_index + 1) * power(2, -series_scale)) as lower_bound,
        -power(2, bucket_index * power(2, -series_scale)) as upper_bound,
        cast(bucket_count as int64) as bucket_count,
    from negative_buckets
    union all
    select
        {{ point_columns() }}
        'zero' as bucket_kind, 0 as bucket_index,
        0 - zero_threshold as lower_bound,
        zero_threshold as upper_bound,
        coalesce(zero_count, 0) as bucket_count,
    from points
    where metric_type = 'EXPONENTIAL_HISTOGRAM'
),

increases as (
    select event_date, series_id, time_unix_nano, start_time_unix_nano, kind
    from {{ ref('int_metric_increases') }}
    where {{ in_dates('event_date') }}
),

compared as (
    select
        *,
        lag(bucket_count) over (
            partition by series_id, bucket_kind, bucket_index, coalesce(start_time_unix_nano, 0)
            order by time_unix_nano
        ) as previous_count,
    from buckets
),

final as (
    select
        compared.event_date,
        compared.series_id,
        compared.time_unix_nano,

        compared.bucket_kind,
        compared.bucket_index,
        compared.lower_bound,
        compared.upper_bound,

        case
            when increases.kind in ('delta', 'first', 'reset') then compared.bucket_count
            when increases.kind = 'next' then greatest(compared.bucket_count - coalesce(compared.previous_count, 0), 0)
            else 0
        end as bucket_increase,

        compared.time,
    from compared
    inner join increases
        on increases.event_date = compared.event_date
        and increases.series_id = compared.series_id
        and increases.time_unix_nano = compared.time_unix_nano
        and coalesce(increases.start_time_unix_nano, 0) = coalesce(compared.start_time_unix_nano, 0)
    where {{ in_dates('compared.event_date') }}
)

select * from final
where bucket_increase > 0
