{%- set key = 'event_date, deployment_environment, service_namespace, service_name, page_name, vital_name' %}
-- p75_rating counts page loads, so that the sketch's error cannot move a page over a threshold.
with vitals as (
    select
        *,
        {{ sketch_bucket('vital_value') }} as bucket,
    from {{ ref('int_web_vitals') }}
    where {{ in_dates('event_date') }}
),

buckets as (
    select
        {{ key }},
        bucket,
        sum(weight_micros) as bucket_weight,
    from vitals
    group by {{ key }}, bucket
),

cumulated as (
    select
        *,
        sum(bucket_weight) over (partition by {{ key }} order by bucket) as cumulative_weight,
        sum(bucket_weight) over (partition by {{ key }}) as total_weight,
    from buckets
),

percentiles as (
    select
        {{ key }},
        {{ sketch_percentile_bucket(75, 'bucket', 'cumulative_weight', 'total_weight') }} as p75_bucket,
    from cumulated
    group by {{ key }}
),

counts as (
    select
        {{ key }},
        min(unit) as unit,
        count(*) as observed_page_load_count,
        sum(weight_micros) as all_micros,
        sum(case when rating = 'good' then weight_micros else 0 end) as good_micros,
        sum(case when rating = 'needs-improvement' then weight_micros else 0 end) as needs_improvement_micros,
        sum(case when rating = 'poor' then weight_micros else 0 end) as poor_micros,
        count(case when rating = 'good' then 1 end) as observed_good_count,
        count(case when rating = 'needs-improvement' then 1 end) as observed_needs_improvement_count,
        count(case when rating = 'poor' then 1 end) as observed_poor_count,
        max(vital_value) as max_value,
        count(page_view_key) as with_page_view_count,
    from vitals
    group by {{ key }}
),

final as (
    select
        counts.event_date,

        counts.deployment_environment,
        counts.service_namespace,
        counts.service_name,
        counts.page_name,
        counts.vital_name,
        counts.unit,
        case
            when counts.good_micros * 100 >= counts.all_micros * 75 then 'good'
            when (counts.all_micros - counts.poor_micros) * 100 >= counts.all_micros * 75 then 'needs-improvement'
            else 'poor'
        end as p75_rating,

        counts.all_micros / 1000000 as page_load_count,
        counts.observed_page_load_count,
        counts.with_page_view_count,
        counts.observed_good_count,
        counts.observed_needs_improvement_count,
        counts.observed_poor_count,
        counts.good_micros / 1000000 as good_count,
        counts.needs_improvement_micros / 1000000 as needs_improvement_count,
        counts.poor_micros / 1000000 as poor_count,
        {{ ratio('counts.good_micros', 'counts.all_micros') }} as good_ratio,
        {{ sketch_value('percentiles.p75_bucket') }} as p75_value,
        counts.max_value,
    from counts
    inner join percentiles
        on percentiles.event_date = counts.event_date
        and percentiles.deployment_environment = counts.deployment_environment
        and percentiles.service_namespace = counts.service_namespace
        and percentiles.service_name = counts.service_name
        and percentiles.page_name = counts.page_name
        and percentiles.vital_name = counts.vital_name
)

select * from final
