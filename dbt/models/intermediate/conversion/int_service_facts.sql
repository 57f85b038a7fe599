{{ config(meta={'days_before': 2, 'days_after': 1}) }}
{%- set of_service = 'fact, fact_key, deployment_environment, service_namespace, service_name, is_excluded' %}
{%- set best_first = 'partition by ' ~ of_service ~ ' order by is_failed_try, priority, signal_time, signal, signal_id' %}
-- What each service itself tells of a fact; excluded is what it tells in excluded traffic alone. A fact stands for as
-- many as the least of its signals' weights: it is seen if any of them is kept.
with signals as (
    select
        event_date,
        fact,
        signal,
        trace_id,
        signal_id,
        name,
        event_name,
        deployment_environment,
        service_namespace,
        service_name,
        coalesce(page_name, http_path, '(not set)') as shown_page_name,
        order_id,
        user_id,
        order_currency,
        priority,
        order_total,
        weight_micros,
        is_error,
        is_excluded,
        signal_time,
    from {{ ref('int_fact_signals') }}
    where {{ in_read_dates('event_date') }}
        and fact in (select fact from {{ ref('business_counters') }})
),

{{ keyed_facts('signals') }},

ranked as (
    select
        *,
        {{ first_told('order_total', best_first) }} as told_order_total,
        {{ currency_of('order_total', 'order_currency', best_first) }} as told_order_currency,
    from keyed
),

told as (
    select
        fact,
        fact_key,
        deployment_environment,
        service_namespace,
        service_name,
        is_excluded,
        {{ told_currency('order_currency') }} as order_currency,
        min(priority) as priority,
        min(told_order_total) as order_total,
        min(weight_micros) as weight_micros,
        count(case when is_failed then 1 end) as error_count,
        min(signal_time) as fact_time,
    from ranked
    group by {{ of_service }}
    qualify row_number() over (
        partition by fact, fact_key, deployment_environment, service_namespace, service_name
        order by is_excluded
    ) = 1
),

final as (
    select
        {{ local_date('fact_time') }} as event_date,

        fact,
        fact_key,

        deployment_environment,
        service_namespace,
        service_name,
        {{ key_text('order_currency') }} as order_currency,

        order_total,
        weight_micros,

        is_excluded,
        sum(error_count) over (partition by fact, fact_key, is_excluded) > 0 as is_error,
        row_number() over (
            partition by fact, fact_key, is_excluded
            order by priority, fact_time, deployment_environment, service_namespace, service_name
        ) = 1 as is_first_to_speak,

        fact_time,
    from told
)

select * from final
where {{ in_dates('event_date') }}
