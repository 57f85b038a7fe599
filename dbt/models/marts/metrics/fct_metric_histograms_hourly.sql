{%- set key = 'event_date, hour_time, deployment_environment, service_namespace, service_name, metric_name, unit, attributes_text' %}
-- Quantiles: inside an explicit bucket linear, as Prometheus has it (from 0 in the first, its lower end in the last,
-- which has no upper); of an exponential bucket the geometric mean of its bounds, where all of it counts: scales mix.
with series as (
    select * from {{ ref('int_metric_series') }}
    where {{ in_dates('event_date') }}
),

increases as (
    select
        {{ key }},
        coalesce(sum(increase), 0) as observation_count,
        case
            when count(case when increase > 0 and total_increase is null then 1 end) = 0
                then coalesce(sum(total_increase), 0)
        end as observation_sum,
        count(distinct series_id) as series_count,
        count(case when kind = 'reset' then 1 end) as reset_count,
    from (
        select *, {{ trunc('time', 'hour') }} as hour_time
        from {{ ref('int_metric_increases') }}
        where {{ in_dates('event_date') }}
    ) as points
    inner join series
        using (event_date, series_id)
    where metric_type != 'SUM'
    group by {{ key }}
),

buckets as (
    select
        {{ key }},
        bucket_kind,
        lower_bound,
        upper_bound,
        sum(bucket_increase) as bucket_count,
    from (
        select *, {{ trunc('time', 'hour') }} as hour_time
        from {{ ref('int_metric_buckets') }}
        where {{ in_dates('event_date') }}
    ) as points
    inner join series
        using (event_date, series_id)
    group by {{ key }}, bucket_kind, lower_bound, upper_bound
),

valued as (
    select
        *,
        case
            when bucket_kind = 'zero' then 0
            when bucket_kind = 'positive' then sqrt(lower_bound) * sqrt(upper_bound)
            when bucket_kind = 'negative' then -sqrt(-lower_bound) * sqrt(-upper_bound)
        end as middle_value,
    from buckets
),

cumulated as (
    select
        *,
        sum(bucket_count) over (
            partition by {{ key }}
            order by
                coalesce(middle_value, upper_bound, 1e300), coalesce(lower_bound, -1e300), upper_bound, bucket_kind
        ) as cumulative_count,
        sum(bucket_count) over (partition by {{ key }}) as total_count,
    from valued
),

placed as (
    select
        *,
        {%- for percent in (50, 95, 99) %}
        case
            when cumulative_count * 100 < total_count * {{ percent }} then null
            when (cumulative_count - bucket_count) * 100 >= total_count * {{ percent }} then null
            when bucket_kind != 'explicit' then middle_value
            when upper_bound is null then lower_bound
            else
                coalesce(lower_bound, least(0, upper_bound))
                + (upper_bound - coalesce(lower_bound, least(0, upper_bound)))
                * ((total_count * {{ percent }} / 100 - (cumulative_count - bucket_count)) / bucket_count)
        end as p{{ percent }}_value,
        {%- endfor %}
    from cumulated
),

quantiles as (
    select
        {{ key }},
        min(p50_value) as p50_value,
        min(p95_value) as p95_value,
        min(p99_value) as p99_value,
    from placed
    group by {{ key }}
),

final as (
    select
        increases.event_date,
        increases.hour_time,

        increases.deployment_environment,
        increases.service_namespace,
        increases.service_name,
        increases.metric_name,
        increases.unit,
        increases.attributes_text,

        cast({{ believed('increases.observation_count', 1000000000000000000) }} as int64) as observation_count,
        {{ to_float('increases.observation_sum') }} as observation_sum,
        {{ ratio(to_float('increases.observation_sum'), to_float('increases.observation_count')) }} as mean_value,
        quantiles.p50_value,
        quantiles.p95_value,
        quantiles.p99_value,
        increases.series_count,
        increases.reset_count,
    from increases
    left join quantiles
        using ({{ key }})
)

select * from final
