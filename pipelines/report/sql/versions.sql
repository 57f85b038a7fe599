-- Each version of each service: from when to when it answered, and how many of its requests ended in 5xx.
select
    service_name,
    service_version,
    min(hour_time) as first_time,
    max(hour_time) as last_time,
    sum(weight_micros) / 1e6 as request_count,
    sum(if(status_class = '5xx', weight_micros, 0)) / sum(weight_micros) as http_5xx_ratio,
from marts.fct_latency_sketch_hourly
where deployment_environment = $environment
group by service_name, service_version
order by service_name, first_time, service_version
