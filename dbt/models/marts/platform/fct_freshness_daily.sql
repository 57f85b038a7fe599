{%- set key = 'event_date, table_name, deployment_environment, service_namespace, service_name' %}
with buckets as (
    select * from {{ ref('int_signal_rows_daily') }}
    where {{ in_dates('event_date') }}
),

cumulated as (
    select
        {{ key }},
        lateness_bucket,
        sum(row_count) over (partition by {{ key }} order by lateness_bucket) as cumulative_count,
        sum(row_count) over (partition by {{ key }}) as total_count,
    from buckets
),

percentiles as (
    select
        {{ key }},
        {{ sketch_percentile_bucket(50, 'lateness_bucket', 'cumulative_count', 'total_count') }} as p50_bucket,
        {{ sketch_percentile_bucket(95, 'lateness_bucket', 'cumulative_count', 'total_count') }} as p95_bucket,
    from cumulated
    group by {{ key }}
),

counts as (
    select
        {{ key }},
        cast(sum(row_count) as int64) as row_count,
        cast(sum(early_row_count) as int64) as early_row_count,
        cast(sum(late_row_count) as int64) as late_row_count,
        max(max_lateness_us) as max_lateness_us,
        max(last_event_time) as last_event_time,
        max(last_ingest_time) as last_ingest_time,
    from buckets
    group by {{ key }}
),

final as (
    select
        counts.event_date,

        counts.table_name,
        counts.deployment_environment,
        counts.service_namespace,
        counts.service_name,

        counts.row_count,
        counts.early_row_count,
        counts.late_row_count,
        {{ sketch_value('percentiles.p50_bucket') }} / 1000 as p50_lateness_seconds,
        {{ sketch_value('percentiles.p95_bucket') }} / 1000 as p95_lateness_seconds,
        counts.max_lateness_us / 1000000 as max_lateness_seconds,

        counts.last_event_time,
        counts.last_ingest_time,
    from counts
    inner join percentiles
        using ({{ key }})
)

select * from final
