-- Traffic that counts in no other number: excluded by rule in any environment.
select
    deployment_environment as environment,
    excluded_reason as reason,
    sum(span_count) as span_count,
    cast(sum(log_record_count) as bigint) as log_record_count,
from marts.fct_excluded_traffic_daily
group by all
order by span_count desc, environment, reason
