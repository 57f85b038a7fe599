-- Requests, errors and percentiles at four levels: all, each time, each route, each cell (time and route).
with counts as (
    select
        date_trunc($grain, hour_time) as time,
        concat_ws(' ', service_namespace, service_name, http_method, operation) as route_id,
        service_name,
        case
            when http_method in ('(not set)', operation) or starts_with(operation, http_method || ' ') then operation
            else http_method || ' ' || operation
        end as route,
        request_count,
        error_count,
    from marts.fct_latency_hourly
    where deployment_environment = $environment
),

buckets as (
    select
        date_trunc($grain, hour_time) as time,
        concat_ws(' ', service_namespace, service_name, http_method, operation) as route_id,
        duration_ms,
        weight_micros,
    from marts.fct_latency_sketch_hourly
    where deployment_environment = $environment
),

counted as (
    select
        grouping(time, route_id) as level_number,
        time,
        route_id,
        min(service_name) as service_name,
        min(route) as route,
        sum(request_count) as request_count,
        sum(error_count) as error_count,
    from counts
    group by grouping sets ((time, route_id), (time), (route_id), ())
),

merged as (
    select
        grouping(time, route_id) as level_number,
        time,
        route_id,
        duration_ms,
        sum(weight_micros) as weight_micros,
    from buckets
    group by grouping sets ((time, route_id, duration_ms), (time, duration_ms), (route_id, duration_ms), (duration_ms))
),

cumulated as (
    select
        level_number,
        time,
        route_id,
        duration_ms,
        sum(weight_micros) over (partition by level_number, time, route_id order by duration_ms) as cumulative_weight,
        sum(weight_micros) over (partition by level_number, time, route_id) as total_weight,
    from merged
),

percentiles as (
    select
        level_number,
        time,
        route_id,
        min(case when cumulative_weight * 100 >= total_weight * 50 then duration_ms end) as p50_ms,
        min(case when cumulative_weight * 100 >= total_weight * 95 then duration_ms end) as p95_ms,
        min(case when cumulative_weight * 100 >= total_weight * 99 then duration_ms end) as p99_ms,
    from cumulated
    group by level_number, time, route_id
),

final as (
    select
        ['cell', 'time', 'route', 'all'][counted.level_number + 1] as level,
        counted.time,
        counted.route_id,
        counted.service_name,
        counted.route,
        counted.request_count,
        counted.error_count,
        counted.error_count / nullif(counted.request_count, 0) as error_ratio,
        percentiles.p50_ms,
        percentiles.p95_ms,
        percentiles.p99_ms,
    from counted
    left join percentiles
        on percentiles.level_number = counted.level_number
        and percentiles.time is not distinct from counted.time
        and percentiles.route_id is not distinct from counted.route_id
    where counted.request_count is not null
)

select * from final
order by level, time, request_count desc, route_id
