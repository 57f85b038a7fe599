with outcomes as (
    select * from {{ ref('int_funnel_outcomes') }}
    where {{ in_dates('event_date') }}
),

counts as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        funnel,
        next_step_name as missing_step_name,
        cause,
        {{ key_text('service_name') }} as service_name,
        {{ key_text('service_version') }} as service_version,
        {{ key_text('operation') }} as operation,
        {{ key_text('error_type') }} as error_type,

        count(*) as entry_count,
        count(case when not has_continued then 1 end) as dropped_count,
        count(case when has_continued then 1 end) as continued_count,
        {{ ratio('count(case when not has_continued then 1 end)', 'count(*)') }} as dropped_ratio,
        min(case when not has_continued then trace_id end) as sample_trace_id,

        is_bot,
    from outcomes
    group by
        event_date,
        deployment_environment,
        service_namespace,
        funnel,
        missing_step_name,
        cause,
        {{ key_text('service_name') }},
        {{ key_text('service_version') }},
        {{ key_text('operation') }},
        {{ key_text('error_type') }},
        is_bot
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
