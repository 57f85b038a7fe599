-- Metrics at three levels: each metric, each time and each service of one. What a counter says is by how much it grew,
-- a gauge the mean of its points, a histogram the mean of what was observed: percentiles of several cannot be merged.
with hours as (
    select
        'counter' as kind,
        hour_time,
        service_name,
        metric_name,
        unit,
        attributes_text,
        cast(increase as double) as total,
        1 as weight,
    from marts.fct_metric_rates_hourly
    where deployment_environment = $environment

    union all by name

    select
        'gauge' as kind,
        hour_time,
        service_name,
        metric_name,
        unit,
        attributes_text,
        mean_value * point_count as total,
        point_count as weight,
    from marts.fct_metric_gauges_hourly
    where deployment_environment = $environment
        and mean_value is not null

    union all by name

    select
        'histogram' as kind,
        hour_time,
        service_name,
        metric_name,
        unit,
        attributes_text,
        observation_sum as total,
        observation_count as weight,
    from marts.fct_metric_histograms_hourly
    where deployment_environment = $environment
        and observation_sum is not null
        and observation_count > 0
),

timed as (
    select *, date_trunc($grain, hour_time) as time
    from hours
),

final as (
    select
        case grouping(time, service_name) when 3 then 'metric' when 1 then 'time' else 'service' end as level,
        kind,
        metric_name,
        unit,
        time,
        service_name,
        if(kind = 'counter', sum(total), sum(total) / sum(weight)) as value,
        if(kind = 'histogram', cast(sum(weight) as bigint), null) as observation_count,
        count(distinct service_name) as service_count,
        min(service_name) as first_service,
        count(distinct attributes_text) as attributes_count,
    from timed
    group by grouping sets (
        (kind, metric_name, unit), (kind, metric_name, unit, time), (kind, metric_name, unit, service_name)
    )
)

select *
from final
order by level, kind, if(level = 'metric', -service_count, 0), metric_name, unit, time, service_name
