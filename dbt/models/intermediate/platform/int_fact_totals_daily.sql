{%- set key = 'event_date, deployment_environment, service_namespace, service_name, business_counter, currency' %}
-- Facts are told by the services that have a counter for them; those that no counter of any of their services counts, by
-- the service that speaks for them in the marts.
with facts as (
    select * from {{ ref('int_service_facts') }}
    where {{ in_dates('event_date') }}
),

counting_services as (
    select distinct
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        business_counter,
        true as has_counter,
    from {{ ref('int_business_counters_daily') }}
    where {{ in_dates('event_date') }}
),

measured as (
    select
        facts.event_date,
        facts.deployment_environment,
        facts.service_namespace,
        facts.service_name,
        counters.business_counter,
        case when counters.measure = 'order_total' then facts.order_currency else '(not set)' end as currency,
        facts.fact_key,
        facts.weight_micros,
        {{ to_money("case when counters.measure = 'order_total' then coalesce(facts.order_total, 0) else 1 end") }} as amount,
        facts.is_excluded,
        facts.is_first_to_speak,
        86400000000 - {{ us_between(trunc('facts.fact_time', 'day'), 'facts.fact_time') }}
        <= counters.export_delay_seconds * 1000000 as is_late,
    from facts
    inner join {{ ref('business_counters') }} as counters
        on counters.fact = facts.fact
        and (counters.counts_failed or not facts.is_error)
),

seen as (
    select
        measured.*,
        counting_services.has_counter,
        count(counting_services.has_counter) over (
            partition by measured.business_counter, measured.fact_key, measured.is_excluded
        ) as counting_service_count,
    from measured
    left join counting_services
        on counting_services.event_date = measured.event_date
        and counting_services.deployment_environment = measured.deployment_environment
        and counting_services.service_namespace = measured.service_namespace
        and counting_services.service_name = measured.service_name
        and counting_services.business_counter = measured.business_counter
),

parted as (
    select
        *,
        case when is_excluded then 0 else amount end as fact_amount,
        case when is_excluded then amount else 0 end as excluded_amount,
    from seen
    where has_counter or (is_first_to_speak and counting_service_count = 0 and not is_excluded)
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        business_counter,
        currency,

        count(case when not is_excluded then 1 end) as observed_fact_count,
        {{ weighted_total('weight_micros', 'fact_amount') }} as fact_total,
        {{ weighted_total('weight_micros', 'case when is_late then fact_amount else 0 end') }} as late_fact_total,
        {{ weighted_total('weight_micros', 'excluded_amount') }} as excluded_fact_total,
        {{ weighted_total('weight_micros', 'case when is_late then excluded_amount else 0 end') }} as late_excluded_total,
        sum({{ sampling_variance('weight_micros', 'fact_amount') }}) as fact_variance,
    from parted
    group by {{ key }}
)

select * from final
