{{ config(meta={'days_before': 1}) }}
-- Buckets of histograms and what each point adds to them, with their bounds. Of a cumulative series each point is
-- compared with the one before it since the same start; exponential ones are both brought to the lower of their two
-- scales first, as OTLP scales down. Their zero bucket spans its threshold, negative ones are mirrored.
with points as (
    select
        event_date,
        series_id,
        metric_type,
        time_unix_nano,
        start_time_unix_nano,
        time,
        scale,
        coalesce(zero_count, 0) as zero_count,
        coalesce(zero_threshold, 0) as zero_threshold,
        positive_offset,
        negative_offset,
        bucket_counts,
        explicit_bounds,
        positive_bucket_counts,
        negative_bucket_counts,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_read_dates('event_date') }}
        and metric_type in ('HISTOGRAM', 'EXPONENTIAL_HISTOGRAM')
),

ordered as (
    select
        *,
        lag(scale) over series as previous_scale,
        lag(zero_count) over series as previous_zero_count,
        lag(positive_offset) over series as previous_positive_offset,
        lag(negative_offset) over series as previous_negative_offset,
        lag(bucket_counts) over series as previous_bucket_counts,
        lag(positive_bucket_counts) over series as previous_positive_bucket_counts,
        lag(negative_bucket_counts) over series as previous_negative_bucket_counts,
    from points
    window series as (partition by series_id, coalesce(start_time_unix_nano, 0) order by time_unix_nano)
),

increases as (
    select event_date, series_id, time_unix_nano, start_time_unix_nano, kind
    from {{ ref('int_metric_increases') }}
    where {{ in_dates('event_date') }}
        and kind in ('delta', 'first', 'reset', 'next')
),

compared as (
    select
        ordered.*,
        increases.kind = 'next' as has_previous,
        case
            when increases.kind = 'next' and ordered.previous_scale < ordered.scale then ordered.previous_scale
            else ordered.scale
        end as common_scale,
    from ordered
    inner join increases
        on increases.event_date = ordered.event_date
        and increases.series_id = ordered.series_id
        and increases.time_unix_nano = ordered.time_unix_nano
        and coalesce(increases.start_time_unix_nano, 0) = coalesce(ordered.start_time_unix_nano, 0)
    where {{ in_dates('ordered.event_date') }}
),

explicit_buckets as (
    select
        {{ point_columns('compared') }}
        'explicit' as bucket_kind,
        position as bucket_index,
        {{ finite(list_item('compared.explicit_bounds', 'position - 1')) }} as lower_bound,
        {{ finite(list_item('compared.explicit_bounds', 'position')) }} as upper_bound,
        case
            when has_previous then item - coalesce({{ list_item('compared.previous_bucket_counts', 'position') }}, 0)
            else item
        end as bucket_increase,
    from compared
    {{ unnest_with_offset('compared.bucket_counts', 'item', 'position') }}
    where compared.metric_type = 'HISTOGRAM'
),

exponential_buckets as (
    {%- for side in ('positive', 'negative') %}
    select
        {{ point_columns('compared') }}
        '{{ side }}' as bucket_kind,
        {{ shift_right('(compared.' ~ side ~ '_offset + position)', '(compared.scale - compared.common_scale)') }} as bucket_index,
        compared.common_scale,
        item as bucket_increase,
    from compared
    {{ unnest_with_offset('compared.' ~ side ~ '_bucket_counts', 'item', 'position') }}
    where compared.metric_type = 'EXPONENTIAL_HISTOGRAM'
    union all
    select
        {{ point_columns('compared') }}
        '{{ side }}' as bucket_kind,
        {{ shift_right('(compared.previous_' ~ side ~ '_offset + position)', '(compared.previous_scale - compared.common_scale)') }} as bucket_index,
        compared.common_scale,
        -item as bucket_increase,
    from compared
    {{ unnest_with_offset('compared.previous_' ~ side ~ '_bucket_counts', 'item', 'position') }}
    where compared.metric_type = 'EXPONENTIAL_HISTOGRAM'
        and compared.has_previous
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

exponential_increases as (
    select
        {{ point_columns() }}
        bucket_kind,
        bucket_index,
        common_scale,
        cast(sum(bucket_increase) as int64) as bucket_increase,
    from exponential_buckets
    group by
        {{ point_columns() }}
        bucket_kind,
        bucket_index,
        common_scale
),

buckets as (
    select * from explicit_buckets
    union all
    select
        {{ point_columns() }}
        bucket_kind,
        bucket_index,
        case
            when bucket_kind = 'positive' then {{ exponential_bound('bucket_index', 'common_scale') }}
            else -{{ exponential_bound('(bucket_index + 1)', 'common_scale') }}
        end as lower_bound,
        case
            when bucket_kind = 'positive' then {{ exponential_bound('(bucket_index + 1)', 'common_scale') }}
            else -{{ exponential_bound('bucket_index', 'common_scale') }}
        end as upper_bound,
        bucket_increase,
    from exponential_increases
    union all
    select
        {{ point_columns() }}
        'zero' as bucket_kind,
        0 as bucket_index,
        0 - zero_threshold as lower_bound,
        zero_threshold as upper_bound,
        case when has_previous then zero_count - previous_zero_count else zero_count end as bucket_increase,
    from compared
    where metric_type = 'EXPONENTIAL_HISTOGRAM'
),

final as (
    select
        event_date,
        series_id,
        time_unix_nano,

        bucket_kind,
        bucket_index,
        lower_bound,
        upper_bound,

        bucket_increase,

        time,
    from buckets
    where bucket_increase > 0
)

select * from final
