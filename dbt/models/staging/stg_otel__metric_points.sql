{%- set told = ['value', 'value_int', 'count', 'sum', 'min', 'max', 'scale', 'zero_count', 'zero_threshold', 'positive_offset', 'negative_offset', 'has_no_recorded_value'] %}
{%- set told_lists = ['bucket_counts', 'explicit_bounds', 'positive_bucket_counts', 'negative_bucket_counts', 'quantiles'] %}
with points as {{ not_materialized() }} (
    select
        {{ event_date('time') }} as event_date,

        series_id,
        payload_id,
        row_ordinal,

        {{ key_text('deployment_environment') }} as deployment_environment,
        {{ key_text('service_namespace') }} as service_namespace,
        {{ key_text('service_name') }} as service_name,
        service_version,
        service_instance_id,
        metric_name,
        unit,
        metric_type,
        temporality,
        http_method,
        http_route,
        error_type,
        host_name,
        k8s_cluster_name,
        k8s_namespace_name,
        k8s_deployment_name,
        k8s_pod_name,
        k8s_container_name,

        http_status_code,
        value,
        value_int,
        count,
        sum,
        min,
        max,
        scale,
        zero_count,
        zero_threshold,
        positive_offset,
        negative_offset,
        start_time_unix_nano,
        time_unix_nano,

        is_monotonic,
        has_no_recorded_value,

        start_time,
        time,
        ingest_time,

        bucket_counts,
        explicit_bounds,
        positive_bucket_counts,
        negative_bucket_counts,
        quantiles,
        exemplars,
        attributes,
    from {{ source('observability', 'metrics') }}
    where {{ in_dates(event_date('time')) }}
),

repeated as (
    select event_date, series_id, time_unix_nano, start_time_unix_nano
    from points
    group by event_date, series_id, time_unix_nano, start_time_unix_nano
    having count(*) > 1
),

sent_once as (
    select
        points.*,
        false as has_conflicting_copy,
    from points
    left join repeated
        on repeated.event_date = points.event_date
        and repeated.series_id = points.series_id
        and repeated.time_unix_nano = points.time_unix_nano
        and coalesce(repeated.start_time_unix_nano, 0) = coalesce(points.start_time_unix_nano, 0)
    where repeated.series_id is null
),

sent_again as (
    select
        points.*,
        {{ copies_differ(told, 'partition by points.event_date, points.series_id, points.time_unix_nano, coalesce(points.start_time_unix_nano, 0)', 'points', told_lists) }} as has_conflicting_copy,
    from points
    inner join repeated
        on repeated.event_date = points.event_date
        and repeated.series_id = points.series_id
        and repeated.time_unix_nano = points.time_unix_nano
        and coalesce(repeated.start_time_unix_nano, 0) = coalesce(points.start_time_unix_nano, 0)
    qualify row_number() over (
        partition by
            points.event_date,
            points.series_id,
            points.time_unix_nano,
            coalesce(points.start_time_unix_nano, 0)
        order by points.payload_id, points.row_ordinal, points.ingest_time
    ) = 1
),

final as (
    select * from sent_once
    union all
    select * from sent_again
)

select * from final
