{{ config(meta={'days_before': 2, 'days_after': 1}) }}
{%- set best_first = 'partition by fact, fact_key order by is_failed_try, priority, signal_time, signal, signal_id' %}
-- Signals of one fact may lie on both sides of midnight: the fact belongs to the day on which it began.
with signals as (
    select
        *,
        coalesce(telemetry_sdk_language in ('webjs', 'swift', 'android'), false) as is_client_clock,
        coalesce(page_name, http_path, '(not set)') as shown_page_name,
    from {{ ref('int_fact_signals') }}
    where {{ in_read_dates('event_date') }}
        and not is_excluded
),

actors as (
    select
        trace_id,
        min(session_id) as session_id,
        min(user_id) as user_id,
    from {{ ref('int_trace_actors') }}
    where {{ in_read_dates('event_date') }}
    group by trace_id
),

{{ keyed_facts('signals') }},

ranked as (
    select
        *,
        row_number() over ({{ best_first }}) as signal_number,
        {{ first_told('login_status', best_first) }} as told_login_status,
        {{ first_told('login_failure_reason', best_first) }} as told_login_failure_reason,
        {{ first_told('payment_status', best_first) }} as told_payment_status,
        {{ first_told('error_type', best_first) }} as told_error_type,
        {{ first_told('order_total', best_first) }} as told_order_total,
        {{ currency_of('order_total', 'order_currency', best_first) }} as told_order_currency,
        {{ first_told('order_items_count', best_first) }} as told_order_items_count,
        {{ first_told('payment_amount', best_first) }} as told_payment_amount,
        {{ currency_of('payment_amount', 'payment_currency', best_first) }} as told_payment_currency,
    from keyed
),

merged as (
    select
        fact,
        fact_key,

        min(case when signal_number = 1 then trace_id end) as trace_id,
        min(case when signal_number = 1 then signal end) as signal,
        min(case when signal_number = 1 then signal_id end) as signal_id,
        min(case when signal_number = 1 then row_ordinal end) as row_ordinal,

        coalesce(
            min(case when signal_number = 1 then nullif(deployment_environment, '(not set)') end),
            min(nullif(deployment_environment, '(not set)')),
            '(not set)'
        ) as deployment_environment,
        coalesce(
            min(case when signal_number = 1 then nullif(service_namespace, '(not set)') end),
            min(nullif(service_namespace, '(not set)')),
            '(not set)'
        ) as service_namespace,
        min(case when signal_number = 1 then service_name end) as service_name,
        min(case when signal_number = 1 then service_version end) as service_version,
        min(shown_page_name) as page_name,
        min(page_url) as page_url,
        min(coalesce(event_name, name)) as event_name,
        min(product_id) as product_id,
        min(session_id) as session_id,
        min(user_id) as user_id,
        min(user_name) as user_name,
        min(user_agent_name) as user_agent_name,
        min(user_agent_synthetic_type) as user_agent_synthetic_type,
        min(client_address) as client_address,
        min(told_login_status) as login_status,
        min(told_login_failure_reason) as login_failure_reason,
        min(order_id) as order_id,
        {{ told_currency('order_currency') }} as order_currency,
        min(payment_id) as payment_id,
        min(payment_method) as payment_method,
        {{ told_currency('payment_currency') }} as payment_currency,
        min(told_payment_status) as payment_status,
        min(payment_transaction_id) as payment_transaction_id,
        min(payment_gateway) as payment_gateway,
        min(told_error_type) as error_type,

        min(told_order_total) as order_total,
        min(told_order_items_count) as order_items_count,
        min(told_payment_amount) as payment_amount,
        max(page_load_time_ms) as page_load_time_ms,
        min(case when signal_number = 1 then duration_ms end) as duration_ms,
        count(*) as signal_count,

        count(case when is_failed then 1 end) > 0 as is_error,
        count(case when {{ is_named_a_failure('coalesce(event_name, name)') }} then 1 end) > 0 as is_named_a_failure,

        min(case when is_client_clock then signal_time end) as client_time,
        min(case when not is_client_clock then signal_time end) as server_time,
    from ranked
    group by fact, fact_key
),

final as (
    select
        {{ local_date('coalesce(merged.server_time, merged.client_time)') }} as event_date,
        merged.*,
        coalesce(merged.session_id, actors.session_id) as actor_session_id,
        coalesce(merged.user_id, actors.user_id) as actor_user_id,
        coalesce(merged.server_time, merged.client_time) as fact_time,
    from merged
    left join actors
        on actors.trace_id = merged.trace_id
)

select * from final
where {{ in_dates('event_date') }}
