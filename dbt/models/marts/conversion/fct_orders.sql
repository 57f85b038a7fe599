{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- An order after midnight may belong to a session of the evening before; its payment may come on the day after it.
with facts as (
    select * from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact = 'order'
),

session_events as (
    select fact_key, session_key
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'order'
),

payments as (
    select
        trace_id,
        min(payment_method) as payment_method,
        min(payment_gateway) as payment_gateway,
        min({{ outcome('payment_status', 'error_type', 'is_error', 'is_named_a_failure') }}) as payment_status,
    from {{ ref('int_facts') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'payment'
    group by trace_id
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        facts.event_date,

        {{ digest('facts.fact_key') }} as order_key,
        facts.order_id,
        facts.trace_id,
        session_events.session_key,
        facts.actor_user_id as user_id,

        facts.deployment_environment,
        facts.service_namespace,
        facts.service_name,
        facts.service_version,
        case when facts.is_error then 'failed' else 'placed' end as order_status,
        {{ key_text('facts.order_currency') }} as order_currency,
        coalesce(facts.payment_method, payments.payment_method) as payment_method,
        payments.payment_gateway,
        payments.payment_status,

        facts.order_total,
        facts.order_items_count,
        facts.duration_ms,
        facts.signal_count,
        coverage.coverage_ratio,

        facts.fact_time as order_time,
    from facts
    left join session_events
        on session_events.fact_key = facts.fact_key
    left join payments
        on payments.trace_id = facts.trace_id
    {{ join_coverage('facts') }}
)

select * from final
