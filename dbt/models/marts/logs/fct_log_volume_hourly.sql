{{ config(meta={'days_before': 1}) }}
{%- set key = 'deployment_environment, service_namespace, service_name, severity, log_template_id' %}
-- The template is worked out once per distinct body; yesterday's rows say what is new and what bursts.
with logs as (
    select
        event_date,
        {{ trunc('time', 'hour') }} as hour_time,
        log_id,
        trace_id,
        deployment_environment,
        service_namespace,
        service_name,
        {{ severity('severity_number', 'severity_text') }} as severity,
        coalesce(body, event_name, '') as text,
    from {{ ref('stg_otel__logs') }}
    where {{ in_read_dates('event_date') }}
        and not is_excluded
),

texts as (
    select text, {{ template_of('text') }} as log_template
    from (select distinct text from logs) as distinct_texts
),

hours as (
    select
        logs.event_date,
        logs.hour_time,
        logs.deployment_environment,
        logs.service_namespace,
        logs.service_name,
        logs.severity,
        texts.log_template,
        {{ digest("'v" ~ fingerprint_version() ~ "/' || texts.log_template") }} as log_template_id,
        count(*) as log_record_count,
        count(logs.trace_id) as traced_log_record_count,
        min(logs.trace_id) as sample_trace_id,
        min(logs.log_id) as sample_log_id,
        min(logs.text) as sample_body,
    from logs
    inner join texts
        on texts.text = logs.text
    group by
        logs.event_date,
        logs.hour_time,
        logs.deployment_environment,
        logs.service_namespace,
        logs.service_name,
        logs.severity,
        texts.log_template
),

days as (
    select
        {{ add_days('event_date', '1') }} as next_date,
        {{ key }},
        sum(log_record_count) as log_record_count,
    from hours
    group by event_date, {{ key }}
),

final as (
    select
        hours.event_date,
        hours.hour_time,

        hours.deployment_environment,
        hours.service_namespace,
        hours.service_name,
        hours.severity,
        hours.log_template_id,
        hours.log_template,

        hours.log_record_count,
        hours.traced_log_record_count,
        cast(coalesce(days.log_record_count, 0) as int64) as day_before_log_record_count,
        {{ ratio('hours.log_record_count * 24', 'days.log_record_count') }} as burst_factor,
        hours.sample_trace_id,
        hours.sample_log_id,
        substr(hours.sample_body, 1, 1000) as sample_body,

        days.log_record_count is null as is_new,
    from hours
    left join days
        on days.next_date = hours.event_date
        and days.deployment_environment = hours.deployment_environment
        and days.service_namespace = hours.service_namespace
        and days.service_name = hours.service_name
        and days.severity = hours.severity
        and days.log_template_id = hours.log_template_id
)

select * from final
where {{ in_dates('event_date') }}
