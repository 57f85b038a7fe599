with points as (
    select
        event_date,
        {{ trunc('time', 'hour') }} as hour_time,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('host_name') }} as host_name,
        {{ key_text('k8s_pod_name') }} as k8s_pod_name,
        {{ key_text('k8s_container_name') }} as k8s_container_name,
        metric_name,
        cast(round(value * 1000000) as int64) as value_micros,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
        and metric_type in ('GAUGE', 'SUM')
        and value is not null
        and not coalesce(has_no_recorded_value, false)
),

final as (
    select
        points.event_date,
        points.hour_time,

        points.deployment_environment,
        points.service_namespace,
        points.service_name,
        points.host_name,
        points.k8s_pod_name,
        points.k8s_container_name,
        saturation.resource,
        points.metric_name,

        count(*) as sample_count,
        {{ ratio('sum(points.value_micros)', 'count(*)') }} / 1000000 as mean_utilization,
        max(points.value_micros) / 1000000 as max_utilization,
    from points
    inner join {{ ref('saturation_metrics') }} as saturation
        on saturation.metric_name = points.metric_name
    group by
        points.event_date,
        points.hour_time,
        points.deployment_environment,
        points.service_namespace,
        points.service_name,
        points.host_name,
        points.k8s_pod_name,
        points.k8s_container_name,
        saturation.resource,
        points.metric_name
)

select * from final
