{{ config(meta={'days_before': 1}) }}
{%- set service_counter = 'event_date, deployment_environment, service_namespace, service_name, business_counter' %}
{%- set key = service_counter ~ ', currency' %}
-- A point may come after midnight and tell of facts before it: carried of the day before, late of this one.
with facts as (
    select * from {{ ref('int_fact_totals_daily') }}
    where {{ in_dates('event_date') }}
),

carried as (
    select
        {{ add_days('event_date', 1) }} as event_date,
        deployment_environment,
        service_namespace,
        service_name,
        business_counter,
        currency,
        late_fact_total as carried_fact_total,
        late_excluded_total as carried_excluded_total,
    from {{ ref('int_fact_totals_daily') }}
    where {{ in_read_dates('event_date') }}
),

only_currencies as (
    select {{ service_counter }}, min(currency) as only_currency
    from facts
    where observed_fact_count > 0
    group by {{ service_counter }}
    having count(*) = 1
),

named_counters as (
    select
        {{ service_counter }},
        case when currency = '(not set)' then coalesce(only_currency, currency) else currency end as currency,
        counter_increase,
        reset_count,
        unknown_point_count,
    from {{ ref('int_business_counters_daily') }}
    left join only_currencies
        using ({{ service_counter }})
    where {{ in_dates('event_date') }}
),

counters as (
    select
        {{ key }},
        sum(counter_increase) as counter_increase,
        cast(sum(reset_count) as int64) as reset_count,
        cast(sum(unknown_point_count) as int64) as unknown_point_count,
    from named_counters
    group by {{ key }}
),

compared as (
    select
        {{ key }},
        counters.business_counter is not null as has_counter,
        coalesce(counters.counter_increase, 0) as counter_increase,
        coalesce(facts.fact_total, 0) as fact_total,
        coalesce(facts.observed_fact_count, 0) as observed_fact_count,
        coalesce(counters.counter_increase, 0) - coalesce(facts.fact_total, 0) as difference,
        coalesce(facts.late_fact_total, 0) as late_fact_total,
        coalesce(carried.carried_fact_total, 0) as carried_fact_total,
        coalesce(facts.excluded_fact_total, 0) + coalesce(carried.carried_excluded_total, 0) as excluded_fact_total,
        sqrt({{ to_float('coalesce(facts.fact_variance, 0)') }}) as sampling_error,
        coalesce(counters.reset_count, 0) as reset_count,
        coalesce(counters.unknown_point_count, 0) as unknown_point_count,
    from counters
    full outer join facts
        using ({{ key }})
    left join carried
        using ({{ key }})
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        business_counter,
        currency,
        {{ reconciliation_state() }} as state,

        counter_increase,
        fact_total,
        observed_fact_count,
        difference,
        {{ ratio(to_float('fact_total'), to_float('counter_increase')) }} as fact_ratio,
        late_fact_total,
        carried_fact_total,
        excluded_fact_total,
        sampling_error,
        reset_count,
        unknown_point_count,

        has_counter,
    from compared
)

select * from final
