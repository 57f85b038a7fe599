{{ config(meta={'days_before': 1}) }}
{%- set last_step = 8 %}
-- First touch of each step at or after the step before it. A funnel begins with its first step, maybe the day after
-- its session did.
with events as (
    select
        event_date as session_date,
        session_key,
        deployment_environment,
        service_namespace,
        fact,
        fact_name,
        activity_us,
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
),

funnels as (
    select * from {{ ref('funnels') }}
),

steps as (
    select * from {{ ref('funnel_steps') }}
),

touches as (
    select
        events.session_date,
        events.session_key,
        events.deployment_environment,
        events.service_namespace,
        events.activity_us,
        steps.funnel,
        steps.step_number,
        funnels.window_hours * 60 * 60 * 1000000 as window_us,
    from events
    inner join steps
        on steps.fact = events.fact
        and coalesce(steps.name, events.fact_name) = events.fact_name
    inner join funnels
        on funnels.funnel = steps.funnel
),

step_1 as (
    select
        session_date,
        session_key,
        deployment_environment,
        service_namespace,
        funnel,
        window_us,
        min(activity_us) as first_us,
        min(activity_us) as step_us,
    from touches
    where step_number = 1
    group by session_date, session_key, deployment_environment, service_namespace, funnel, window_us
),
{% for step in range(2, last_step + 1) %}
step_{{ step }} as (
    select
        earlier.session_date,
        earlier.session_key,
        earlier.deployment_environment,
        earlier.service_namespace,
        earlier.funnel,
        earlier.window_us,
        earlier.first_us,
        min(touches.activity_us) as step_us,
    from step_{{ step - 1 }} as earlier
    inner join touches
        on touches.session_date = earlier.session_date
        and touches.session_key = earlier.session_key
        and touches.funnel = earlier.funnel
    where touches.step_number = {{ step }}
        and touches.activity_us >= earlier.step_us
        and touches.activity_us <= earlier.first_us + earlier.window_us
    group by
        earlier.session_date,
        earlier.session_key,
        earlier.deployment_environment,
        earlier.service_namespace,
        earlier.funnel,
        earlier.window_us,
        earlier.first_us
),
{% endfor %}
reached as (
{%- for step in range(1, last_step + 1) %}
    select *, {{ step }} as step_number from step_{{ step }}
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}
),

final as (
    select
        {{ local_date(from_unix_us('reached.first_us')) }} as event_date,
        reached.session_key,
        reached.funnel,

        reached.deployment_environment,
        reached.service_namespace,
        steps.step_name,

        reached.step_number,
        reached.step_us - reached.first_us as since_first_step_us,

        {{ from_unix_us('reached.step_us') }} as step_time,
        {{ from_unix_us('reached.first_us') }} as funnel_start_time,
        {{ from_unix_us('reached.first_us + reached.window_us') }} as window_end_time,
    from reached
    inner join steps
        on steps.funnel = reached.funnel
        and steps.step_number = reached.step_number
)

select * from final
where {{ in_dates('event_date') }}
