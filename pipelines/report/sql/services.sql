-- What calls what, busiest first.
select
    caller_name,
    callee_name,
    callee_namespace = '(external)' as is_external,
    call_type,
    sum(weight_micros) / 1000000 as call_count,
    sum(error_weight_micros) / 1000000 as error_count,
    sum(error_weight_micros) / sum(weight_micros) as error_ratio,
    max(p95_duration_ms) as highest_p95_ms,
    max(error_trace_id) as error_trace_id,
from marts.fct_service_edges_hourly
where deployment_environment = $environment
group by all
order by call_count desc, caller_name, callee_name, call_type
