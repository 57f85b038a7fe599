-- Log records at four levels: all, each time, each service, and what warnings and errors say, the most frequent first.
with hours as (
    select
        date_trunc($grain, hour_time) as time,
        hour_time,
        service_name,
        severity,
        log_template_id,
        log_template,
        log_record_count,
        sample_trace_id,
        if(severity in ('ERROR', 'FATAL'), log_record_count, 0) as error_count,
        if(severity = 'WARN', log_record_count, 0) as warning_count,
    from marts.fct_log_volume_hourly
    where deployment_environment = $environment
),

counts as (
    select
        case grouping(time, service_name) when 3 then 'all' when 1 then 'time' else 'service' end as level,
        time,
        service_name,
        sum(log_record_count) as record_count,
        sum(error_count) as error_count,
        sum(warning_count) as warning_count,
    from hours
    group by grouping sets ((), (time), (service_name))
),

templates as (
    select
        'template' as level,
        service_name,
        severity,
        log_template,
        sum(log_record_count) as record_count,
        min(sample_trace_id) as sample_trace_id,
        min(hour_time) as first_hour,
        max(hour_time) as last_hour,
    from hours
    where severity in ('WARN', 'ERROR', 'FATAL')
    group by service_name, severity, log_template_id, log_template
    order by record_count desc, service_name, severity, log_template
    limit 200
),

final as (
    select *, error_count / record_count as error_ratio from counts
    union all by name
    select * from templates
)

select * replace (
    cast(record_count as bigint) as record_count,
    cast(error_count as bigint) as error_count,
    cast(warning_count as bigint) as warning_count
)
from final
where record_count > 0
order by level, time, record_count desc, service_name, severity, log_template
