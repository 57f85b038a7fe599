-- What sessions met before the step of a funnel that they did not reach, and how often one leaves after meeting it;
-- `none`: neither an error nor a slow request was met. A session may have met several things.
with final as (
    select
        funnel as funnel_name,
        missing_step_name as step_name,
        cause,
        service_name,
        service_version,
        operation,
        error_type,
        cast(sum(dropped_count) as bigint) as dropped_count,
        cast(sum(entry_count) as bigint) as entry_count,
        sum(dropped_count) / nullif(sum(entry_count), 0) as dropped_ratio,
        min(sample_trace_id) as sample_trace_id,
    from marts.fct_funnel_dropoff_causes_daily
    where deployment_environment = $environment
    group by all
)

select * from final
order by funnel_name, cause = 'none', dropped_count desc, step_name, cause, service_name, service_version, operation,
    error_type
