-- Keys and their values are counted on a quarter of the traces, chosen by trace id, so that the cost stays bounded.
with spans as (
    select
        {{ event_date('start_time') }} as event_date,
        {{ key_text('deployment_environment') }} as deployment_environment,
        {{ key_text('service_namespace') }} as service_namespace,
        {{ key_text('service_name') }} as service_name,
        attributes,
    from {{ source('observability', 'traces') }}
    where {{ in_dates(event_date('start_time')) }}
        and substr(trace_id, 1, 1) in ('0', '4', '8', 'c')
),

pairs as (
    select
        spans.event_date,
        spans.deployment_environment,
        spans.service_namespace,
        spans.service_name,
        attribute.key as attribute_key,
        attribute.value as attribute_value,
        count(*) as span_count,
    from spans
    {{ unnest_with_offset('spans.attributes', 'attribute', 'position') }}
    group by
        spans.event_date,
        spans.deployment_environment,
        spans.service_namespace,
        spans.service_name,
        attribute.key,
        attribute.value
),

usage as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        attribute_key,
        cast(sum(span_count) as int64) as sampled_span_count,
        count(*) as distinct_value_count,
    from pairs
    group by event_date, deployment_environment, service_namespace, service_name, attribute_key
),

conventions as (
    select attribute_key, min(current_attribute_key) as current_attribute_key
    from {{ ref('attribute_conventions') }}
    group by attribute_key
),

final as (
    select
        usage.event_date,

        usage.deployment_environment,
        usage.service_namespace,
        usage.service_name,
        usage.attribute_key,
        conventions.current_attribute_key,

        usage.sampled_span_count,
        usage.distinct_value_count,
        {{ ratio('usage.distinct_value_count', 'usage.sampled_span_count') }} as distinct_ratio,

        conventions.attribute_key is not null as is_deprecated,
    from usage
    left join conventions
        on conventions.attribute_key = usage.attribute_key
)

select * from final
