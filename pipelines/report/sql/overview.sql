-- The headline numbers of the last whole days and of as many days before them; revenue in each currency on its own.
with periods as (
    select 'current' as period, cast($current_first_date as date) as first_date, cast($current_last_date as date) as last_date
    union all
    select 'previous', cast($previous_first_date as date), cast($previous_last_date as date)
),

requests as (
    select
        period,
        sum(request_count) as request_count,
        sum(error_count) / nullif(sum(request_count), 0) as error_ratio,
    from marts.fct_latency_hourly
    inner join periods on event_date between first_date and last_date
    where deployment_environment = $environment
    group by period
),

buckets as (
    select period, duration_ms, sum(weight_micros) as weight_micros
    from marts.fct_latency_sketch_hourly
    inner join periods on event_date between first_date and last_date
    where deployment_environment = $environment
    group by period, duration_ms
),

cumulated as (
    select
        period,
        duration_ms,
        sum(weight_micros) over (partition by period order by duration_ms) as cumulative_weight,
        sum(weight_micros) over (partition by period) as total_weight,
    from buckets
),

latencies as (
    select period, min(case when cumulative_weight * 100 >= total_weight * 95 then duration_ms end) as p95_ms
    from cumulated
    group by period
),

sessions as (
    select period, count(*) as session_count
    from marts.fct_sessions
    inner join periods on event_date between first_date and last_date
    where deployment_environment = $environment
    group by period
),

last_steps as (
    select funnel, max(step_number) as step_number
    from marts.fct_funnel_daily
    where deployment_environment = $environment
    group by funnel
    order by funnel
    limit 1
),

conversions as (
    select period, sum(session_count) / nullif(sum(entered_session_count), 0) as conversion_ratio
    from marts.fct_funnel_daily
    inner join last_steps using (funnel, step_number)
    inner join periods on event_date between first_date and last_date
    where deployment_environment = $environment
    group by period
),

revenues as (
    select period, order_currency as currency, sum(revenue) as revenue
    from marts.fct_revenue_daily
    inner join periods on event_date between first_date and last_date
    where deployment_environment = $environment
        and order_count > 0
    group by period, order_currency
),

final as (
    select 'numbers' as level, *
    from periods
    left join requests using (period)
    left join latencies using (period)
    left join sessions using (period)
    left join conversions using (period)

    union all by name

    select 'revenue' as level, * from revenues
)

select * from final
order by level, period, currency
