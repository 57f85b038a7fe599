{%- set key = 'event_date, deployment_environment, service_namespace, service_name, host_name, k8s_pod_name, k8s_container_name, resource, metric_name' %}
-- Where a metric is sent by state (user, system, idle; used, free, cached), a resource is as full as its states that are
-- not free say together; where only free ones were sent, what they leave. Points of one CPU, device or process and one
-- time make one sample; pods of one name may be of several namespaces.
with points as (
    select
        points.event_date,
        points.time,
        points.deployment_environment,
        points.service_namespace,
        points.service_name,
        points.service_instance_id,
        {{ key_text('points.host_name') }} as host_name,
        points.k8s_cluster_name,
        points.k8s_namespace_name,
        {{ key_text('points.k8s_pod_name') }} as k8s_pod_name,
        {{ key_text('points.k8s_container_name') }} as k8s_container_name,
        saturation.resource,
        points.metric_name,
        {{ utilization_state('points.attributes') }} as state,
        saturation.full_state,
        {{ attributes_text('points.attributes') }} as attributes_text,
        cast(round(points.value * 1000000) as int64) as value_micros,
    from {{ ref('stg_otel__metric_points') }} as points
    inner join {{ ref('saturation_metrics') }} as saturation
        on saturation.metric_name = points.metric_name
    where {{ in_dates('points.event_date') }}
        and points.metric_type in ('GAUGE', 'SUM')
        and points.value between -1000000 and 1000000 -- neither NaN nor what is no ratio
        and not coalesce(points.has_no_recorded_value, false)
),

parts as (
    select
        *,
        case when state = 'idle' or state != nullif(full_state, '') then value_micros end as free_micros,
        case when state = 'idle' or state != nullif(full_state, '') then null else value_micros end as taken_micros,
    from points
),

samples as (
    select
        {{ key }},
        time,
        coalesce(sum(taken_micros), greatest(1000000 - sum(free_micros), 0)) as value_micros,
    from parts
    group by
        {{ key }},
        time,
        service_instance_id,
        k8s_cluster_name,
        k8s_namespace_name,
        coalesce(replace(attributes_text, '=' || state, ''), attributes_text)
),

final as (
    select
        event_date,
        {{ trunc('time', 'hour') }} as hour_time,

        deployment_environment,
        service_namespace,
        service_name,
        host_name,
        k8s_pod_name,
        k8s_container_name,
        resource,
        metric_name,

        count(*) as sample_count,
        {{ ratio('sum(value_micros)', 'count(*)') }} / 1000000 as mean_utilization,
        max(value_micros) / 1000000 as max_utilization,
    from samples
    group by {{ key }}, hour_time
)

select * from final
