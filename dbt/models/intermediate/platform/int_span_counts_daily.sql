with spans as (
    select event_date, deployment_environment, service_namespace, service_name, sampling_source, weight_micros
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
),

final as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        count(*) as observed_span_count,
        sum(weight_micros) as weight_micros,
        count(case when sampling_source = 'unknown' then 1 end) as unknown_span_count,
        count(case when weight_micros > 1000000 then 1 end) as sampled_span_count,
        min(sampling_source) as first_sampling_source,
        max(sampling_source) as last_sampling_source,
    from spans
    group by event_date, deployment_environment, service_namespace, service_name
)

select * from final
