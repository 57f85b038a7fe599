with payments as (
    select * from {{ ref('fct_payments') }}
    where {{ in_dates('event_date') }}
),

counts as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        payment_method,
        payment_gateway,
        payment_currency,

        count(*) as payment_count,
        count(case when is_success then 1 end) as success_count,
        count(case when not is_success then 1 end) as failure_count,
        count(case when payment_status = 'validation_error' then 1 end) as validation_error_count,
        count(case when payment_status = 'gateway_error' then 1 end) as gateway_error_count,
        count(case when payment_status = 'database_error' then 1 end) as database_error_count,
        {{ ratio('count(case when is_success then 1 end)', 'count(*)') }} as success_ratio,
        {{ to_money('sum(case when is_success then payment_amount end)') }} as paid_amount,
        min(case when not is_success then trace_id end) as failed_trace_id,
    from payments
    group by
        event_date,
        deployment_environment,
        service_namespace,
        payment_method,
        payment_gateway,
        payment_currency
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        counts.*,
        coverage.coverage_ratio,
    from counts
    {{ join_coverage('counts') }}
)

select * from final
