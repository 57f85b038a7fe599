-- How full resources were at two levels: each resource of a service, or of a host that names none, fullest first; and
-- the fullest of each resource at each time.
with hours as (
    select
        date_trunc($grain, hour_time) as time,
        hour_time,
        resource,
        metric_name,
        if(service_name = '(not set)', host_name, service_name) as place,
        if(k8s_pod_name = '(not set)', host_name, k8s_pod_name) as instance,
        sample_count,
        mean_utilization,
        max_utilization,
    from marts.fct_saturation_hourly
    where deployment_environment = $environment
),

places as (
    select
        'place' as level,
        place,
        resource,
        metric_name,
        sum(mean_utilization * sample_count) / sum(sample_count) as mean_utilization,
        max(max_utilization) as max_utilization,
        arg_max(hour_time, (max_utilization, -epoch(hour_time))) as fullest_hour,
        arg_max(instance, (max_utilization, -epoch(hour_time), instance)) as fullest_instance,
    from hours
    group by place, resource, metric_name
),

times as (
    select
        'time' as level,
        time,
        resource,
        max(max_utilization) as max_utilization,
    from hours
    group by time, resource
),

final as (
    select * from places
    union all by name
    select * from times
)

select *
from final
order by level, time, max_utilization desc, place, resource, metric_name
