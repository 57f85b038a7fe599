with spans as (
    select event_date, deployment_environment, service_namespace, service_name, sampling_source, weight_micros
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
),

counts as (
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
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        case when first_sampling_source = last_sampling_source then first_sampling_source else 'mixed' end as sampling_source,

        observed_span_count,
        weight_micros / 1000000 as span_count,
        unknown_span_count,
        sampled_span_count,
        {{ ratio('observed_span_count * 1000000', 'weight_micros') }} as coverage_ratio,
        {{ ratio('unknown_span_count', 'observed_span_count') }} as unknown_ratio,
    from counts
)

select * from final
