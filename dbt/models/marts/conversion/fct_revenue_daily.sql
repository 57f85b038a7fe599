{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- The date is that of the reporting time zone, which may be the day before or after the UTC date of the order.
with orders as (
    select
        *,
        {{ local_date('order_time', var('reporting_time_zone')) }} as business_date,
    from {{ ref('fct_orders') }}
    where {{ in_read_dates('event_date') }}
),

sums as (
    select
        business_date as event_date,

        deployment_environment,
        service_namespace,
        order_currency,

        count(*) as attempted_order_count,
        count(case when order_status = 'placed' then 1 end) as order_count,
        count(case when order_status = 'failed' then 1 end) as failed_order_count,
        count(case when order_status = 'placed' and order_total is not null then 1 end) as valued_order_count,
        sum(case when order_status = 'placed' then order_items_count end) as item_count,
        {{ to_money("sum(case when order_status = 'placed' then order_total end)") }} as revenue,
    from orders
    group by business_date, deployment_environment, service_namespace, order_currency
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        sums.event_date,

        sums.deployment_environment,
        sums.service_namespace,
        order_currency,

        attempted_order_count,
        order_count,
        failed_order_count,
        valued_order_count,
        cast(item_count as int64) as item_count,
        revenue,
        {{ ratio(to_float('revenue'), 'valued_order_count') }} as average_order_value,
        {{ ratio('order_count', 'attempted_order_count') }} as order_success_ratio,
        coverage.coverage_ratio,
    from sums
    {{ join_coverage('sums') }}
)

select * from final
where {{ in_dates('event_date') }}
