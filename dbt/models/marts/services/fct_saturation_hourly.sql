{%- set key = 'event_date, deployment_environment, service_namespace, service_name, host_name, k8s_pod_name, k8s_container_name, resource, metric_name' %}
-- Where a metric is sent by state (user, system, idle; used, free, cached), a resource is as full as its states that are
-- not free say together. Points of one CPU, device or process and one time make one sample.
with points as (
    select
        event_date,
        time,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_instance_id') }} as service_instance_id,
        {{ key_text('host_name') }} as host_name,
        {{ key_text('k8s_pod_name') }} as k8s_pod_name,
        {{ key_text('k8s_container_name') }} as k8s_container_name,
        metric_name,
        {{ utilization_state('attributes') }} as state,
        {{ attributes_text('attributes') }} as attributes_text,
        cast(round(value * 1000000) as int64) as value_micros,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
        and metric_type in ('GAUGE', 'SUM')
        and metric_name in (select metric_name from {{ ref('saturation_metrics') }})
        and value is not null
        and not coalesce(has_no_recorded_value, false)
),

samples as (
    select
        points.event_date,
        points.time,
        points.deployment_environment,
        points.service_namespace,
        points.service_name,
        points.host_name,
        points.k8s_pod_name,
        points.k8s_container_name,
        saturation.resource,
        points.metric_name,
        sum(case
            when points.state = 'idle' or points.state != nullif(saturation.full_state, '') then 0
            else points.value_micros
        end) as value_micros,
    from points
    inner join {{ ref('saturation_metrics') }} as saturation
        on saturation.metric_name = points.metric_name
    group by
        points.event_date,
        points.time,
        points.deployment_environment,
        points.service_namespace,
        points.service_name,
        points.service_instance_id,
        points.host_name,
        points.k8s_pod_name,
        points.k8s_container_name,
        saturation.resource,
        points.metric_name,
        coalesce(replace(points.attributes_text, '=' || points.state, ''), points.attributes_text)
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
