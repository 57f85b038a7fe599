with counts as (
    select * from {{ ref('int_span_counts_daily') }}
    where {{ in_dates('event_date') }}
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
        {{ ratio('least(observed_span_count * 1000000, weight_micros)', 'weight_micros') }} as coverage_ratio,
        {{ ratio('unknown_span_count', 'observed_span_count') }} as unknown_ratio,
    from counts
)

select * from final
