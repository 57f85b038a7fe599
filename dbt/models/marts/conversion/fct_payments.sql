with facts as (
    select
        *,
        {{ outcome('payment_status', 'error_type', 'is_error', 'is_named_a_failure') }} as outcome,
    from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact = 'payment'
),

final as (
    select
        event_date,

        {{ digest('fact_key') }} as payment_key,
        payment_id,
        payment_transaction_id,
        trace_id,
        actor_user_id as user_id,

        deployment_environment,
        service_namespace,
        service_name,
        service_version,
        {{ key_text('payment_method') }} as payment_method,
        {{ key_text('payment_gateway') }} as payment_gateway,
        {{ key_text('payment_currency') }} as payment_currency,
        outcome as payment_status,

        payment_amount,
        duration_ms,
        signal_count,

        {{ is_success('outcome') }} as is_success,

        fact_time as payment_time,
    from facts
)

select * from final
