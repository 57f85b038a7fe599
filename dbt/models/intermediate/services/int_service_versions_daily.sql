with spans as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        {{ key_text('telemetry_sdk_language') }} as language,
        count(*) as span_count,
        sum(weight_micros) as span_weight_micros,
        0 as log_count,
        0 as point_count,
        min(start_time) as first_time,
        max(start_time) as last_time,
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
    group by event_date, deployment_environment, service_namespace, service_name, service_version, language
),

logs as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        {{ key_text('telemetry_sdk_language') }} as language,
        0 as span_count,
        0 as span_weight_micros,
        count(*) as log_count,
        0 as point_count,
        min(time) as first_time,
        max(time) as last_time,
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
    group by event_date, deployment_environment, service_namespace, service_name, service_version, language
),

points as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        '(not set)' as language,
        0 as span_count,
        0 as span_weight_micros,
        0 as log_count,
        count(*) as point_count,
        min(time) as first_time,
        max(time) as last_time,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
    group by event_date, deployment_environment, service_namespace, service_name, service_version
),

signals as (
    select * from spans
    union all
    select * from logs
    union all
    select * from points
),

final as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        max(case when language != '(not set)' then language end) as language,
        cast(sum(span_count) as int64) as span_count,
        cast(sum(span_weight_micros) as int64) as span_weight_micros,
        cast(sum(log_count) as int64) as log_count,
        cast(sum(point_count) as int64) as point_count,
        min(first_time) as first_time,
        max(last_time) as last_time,
    from signals
    group by event_date, deployment_environment, service_namespace, service_name, service_version
)

select * from final
