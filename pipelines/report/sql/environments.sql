-- Requests of every environment; the report shows one of them.
select
    deployment_environment as environment,
    deployment_environment = $environment as is_shown,
    sum(request_count) as request_count,
from marts.fct_latency_hourly
group by deployment_environment
order by request_count desc, environment
