{%- set key = 'event_date, deployment_environment, service_namespace, service_name' %}
with logins as (
    select * from {{ ref('fct_logins') }}
    where {{ in_dates('event_date') }}
),

buckets as (
    select
        {{ key }},
        {{ sketch_bucket('duration_ms') }} as duration_bucket,
        count(*) as login_count,
    from logins
    where duration_ms >= 0
    group by {{ key }}, duration_bucket
),

cumulated as (
    select
        *,
        sum(login_count) over (partition by {{ key }} order by duration_bucket) as cumulative_count,
        sum(login_count) over (partition by {{ key }}) as total_count,
    from buckets
),

percentiles as (
    select
        {{ key }},
        {%- for percent in (50, 95, 99) %}
        {{ sketch_percentile_bucket(percent, 'duration_bucket', 'cumulative_count', 'total_count') }} as p{{ percent }}_bucket,
        {%- endfor %}
    from cumulated
    group by {{ key }}
),

counts as (
    select
        {{ key }},
        count(*) as attempt_count,
        count(case when is_success then 1 end) as success_count,
        count(case when is_locked_out then 1 end) as locked_out_count,
        count(case when is_error then 1 end) as error_count,
        count(distinct user_id) as user_count,
        count(distinct case when is_success then user_id end) as successful_user_count,
        count(distinct case when is_locked_out then user_id end) as locked_out_user_count,
    from logins
    group by {{ key }}
),

{{ coverage_of_days(in_dates('event_date')) }},

final as (
    select
        counts.event_date,

        counts.deployment_environment,
        counts.service_namespace,
        counts.service_name,

        counts.attempt_count,
        counts.success_count,
        counts.attempt_count - counts.success_count as failure_count,
        counts.locked_out_count,
        counts.error_count,
        counts.user_count,
        counts.successful_user_count,
        counts.locked_out_user_count,
        {{ ratio('counts.success_count', 'counts.attempt_count') }} as success_ratio,
        {%- for percent in (50, 95, 99) %}
        {{ sketch_value('percentiles.p' ~ percent ~ '_bucket') }} as p{{ percent }}_duration_ms,
        {%- endfor %}
        coverage.coverage_ratio,
    from counts
    left join percentiles
        on percentiles.event_date = counts.event_date
        and percentiles.deployment_environment = counts.deployment_environment
        and percentiles.service_namespace = counts.service_namespace
        and percentiles.service_name = counts.service_name
    {{ join_coverage('counts') }}
)

select * from final
