-- Of the names that a service sends for one business counter, the one of the lowest priority counts alone.
with series as (
    select * from {{ ref('int_metric_series') }}
    where {{ in_dates('event_date') }}
        and metric_type = 'SUM'
        and is_monotonic
),

increases as (
    select * from {{ ref('int_metric_increases') }}
    where {{ in_dates('event_date') }}
),

named as (
    select distinct metric_name from series
),

rules as (
    select
        named.metric_name,
        rules.business_counter,
        rules.priority,
        coalesce(rules.attributes, '') as attributes,
    from named
    inner join {{ ref('counter_rules') }} as rules
        on {{ matches_pattern('named.metric_name', 'rules.metric_name') }}
),

rule_pairs as (
    select rules.metric_name, rules.business_counter, rules.priority, rules.attributes, pair
    from rules
    {{ unnest_with_offset("split(rules.attributes, ', ')", 'pair', 'position') }}
),

matched as (
    select
        series.event_date,
        series.series_id,
        series.deployment_environment,
        series.service_namespace,
        series.service_name,
        series.unit,
        series.attributes_text,
        rule_pairs.business_counter,
        rule_pairs.priority,
        count(*) as pair_count,
        count(case when {{ has_pair('series.attributes_text', 'rule_pairs.pair') }} then 1 end) as met_pair_count,
    from series
    inner join rule_pairs
        on rule_pairs.metric_name = series.metric_name
    group by
        series.event_date,
        series.series_id,
        series.deployment_environment,
        series.service_namespace,
        series.service_name,
        series.unit,
        series.attributes_text,
        rule_pairs.business_counter,
        rule_pairs.priority,
        rule_pairs.attributes
),

ranked as (
    select
        *,
        min(priority) over (
            partition by event_date, deployment_environment, service_namespace, service_name, business_counter
        ) as best_priority,
    from matched
    where met_pair_count = pair_count
),

chosen as (
    select distinct
        ranked.event_date,
        ranked.series_id,
        ranked.deployment_environment,
        ranked.service_namespace,
        ranked.service_name,
        ranked.business_counter,
        case
            when counters.measure = 'count' then '(not set)'
            else {{ key_text('coalesce(' ~ currency_of_attributes('ranked.attributes_text') ~ ', ' ~ currency_of_unit('ranked.unit') ~ ')') }}
        end as currency,
    from ranked
    inner join {{ ref('business_counters') }} as counters
        on counters.business_counter = ranked.business_counter
    where ranked.priority = ranked.best_priority
),

final as (
    select
        chosen.event_date,

        chosen.deployment_environment,
        chosen.service_namespace,
        chosen.service_name,
        chosen.business_counter,
        chosen.currency,

        coalesce(sum(increases.increase), 0) as counter_increase,
        count(case when increases.kind = 'reset' then 1 end) as reset_count,
        count(case when increases.kind in ('break', 'unknown') then 1 end) as unknown_point_count,
    from chosen
    inner join increases
        on increases.event_date = chosen.event_date
        and increases.series_id = chosen.series_id
    group by
        chosen.event_date,
        chosen.deployment_environment,
        chosen.service_namespace,
        chosen.service_name,
        chosen.business_counter,
        chosen.currency
)

select * from final
