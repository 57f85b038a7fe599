with points as (
    select
        event_date,
        series_id,
        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('service_version') }} as service_version,
        {{ key_text('service_instance_id') }} as service_instance_id,
        metric_name,
        {{ key_text('unit') }} as unit,
        metric_type,
        {{ key_text('temporality') }} as temporality,
        coalesce(is_monotonic, false) as is_monotonic,
        attributes,
        time,
        row_ordinal,
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
),

firsts as (
    select * from points
    qualify row_number() over (partition by event_date, series_id order by time, row_ordinal) = 1
),

final as (
    select
        event_date,
        series_id,
        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        service_instance_id,
        metric_name,
        unit,
        metric_type,
        temporality,
        {{ attributes_text('attributes') }} as attributes_text,
        is_monotonic,
    from firsts
)

select * from final
