{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- A session counts for its landing page, and for each release of a service that answered it.
with reached as (
    select
        event_date,
        funnel,
        entry_key,
        deployment_environment,
        service_namespace,
        is_bot,
        min(session_key) as session_key,
        max(step_number) as reached_step_number,
    from {{ ref('int_funnel_sessions') }}
    where {{ in_dates('event_date') }}
    group by event_date, funnel, entry_key, deployment_environment, service_namespace, is_bot
),

last_steps as (
    select funnel, max(step_number) as last_step_number
    from {{ ref('funnel_steps') }}
    group by funnel
),

events as (
    select session_key, trace_id, page_number, page_name, fact
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
),

landings as (
    select session_key, 'landing_page' as dimension, min(page_name) as dimension_value
    from events
    where fact = 'page_view' and page_number = 1
    group by session_key
),

releases as (
    select distinct
        events.session_key,
        'release' as dimension,
        concat(requests.service_name, ' ', requests.service_version) as dimension_value,
    from events
    inner join {{ ref('int_requests') }} as requests
        on requests.trace_id = events.trace_id
    where {{ in_read_dates('requests.event_date') }}
),

dimensions as (
    select * from landings
    union all
    select * from releases
),

counts as (
    select
        reached.event_date,

        reached.deployment_environment,
        reached.service_namespace,
        reached.funnel,
        dimensions.dimension,
        {{ key_text('dimensions.dimension_value') }} as dimension_value,

        count(*) as entered_count,
        count(case when reached.reached_step_number = last_steps.last_step_number then 1 end) as converted_count,
        {{ ratio('count(case when reached.reached_step_number = last_steps.last_step_number then 1 end)', 'count(*)') }} as conversion_ratio,

        reached.is_bot,
    from reached
    inner join last_steps
        on last_steps.funnel = reached.funnel
    inner join dimensions
        on dimensions.session_key = reached.session_key
    group by
        reached.event_date,
        reached.deployment_environment,
        reached.service_namespace,
        reached.funnel,
        dimensions.dimension,
        {{ key_text('dimensions.dimension_value') }},
        reached.is_bot
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
