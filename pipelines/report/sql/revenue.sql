-- Orders and revenue of each currency, by day and over all days. Attempts that named no currency are in failed_orders.
with currencies as (
    select
        if(grouping(event_date) = 0, 'day', 'all') as level,
        event_date,
        order_currency as currency,
        cast(sum(order_count) as bigint) as order_count,
        cast(sum(failed_order_count) as bigint) as failed_order_count,
        sum(revenue) as revenue,
        cast(sum(valued_order_count) as bigint) as valued_order_count,
    from marts.fct_revenue_daily
    where deployment_environment = $environment
    group by grouping sets ((event_date, order_currency), (order_currency))
),

final as (
    select *, revenue / nullif(valued_order_count, 0) as average_order_value
    from currencies
    where order_count > 0
)

select * from final
order by level, currency, event_date
