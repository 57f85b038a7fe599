{{ config(meta={'days_before': 1, 'days_after': 1}) }}
{%- set last_step = 8 %}
-- First touch of each step at or after the step before it, by another event. A funnel begins with its first step, maybe the day after
-- its session did.
with events as (
    select
        session_key,
        user_id,
        deployment_environment,
        service_namespace,
        fact,
        fact_name,
        concat(fact, '/', fact_key) as event_key,
        event_number,
        activity_us,
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
),

bots as (
    select session_key
    from {{ ref('fct_sessions') }}
    where {{ in_read_dates('event_date') }}
        and is_bot
),

funnels as (
    select * from {{ ref('funnels') }}
),

steps as (
    select * from {{ ref('funnel_steps') }}
),

touches as (
    select
        case when funnels.counted_per = 'user' then concat('user:', events.user_id) else events.session_key end as actor_key,
        events.session_key,
        events.deployment_environment,
        events.service_namespace,
        events.event_key,
        events.event_number,
        events.activity_us,
        steps.funnel,
        steps.step_number,
        coalesce(funnels.step_order, 'in_order') = 'in_order' as is_in_order,
        funnels.window_hours * 60 * 60 * 1000000 as window_us,
    from events
    inner join steps
        on steps.fact = events.fact
        and coalesce(steps.name, events.fact_name) = events.fact_name
    inner join funnels
        on funnels.funnel = steps.funnel
    where coalesce(funnels.counted_per, 'session') = 'session' or events.user_id is not null
),

entries as (
    select
        *,
        case
            when starts_with(actor_key, 'user:')
                then concat(actor_key, '/', deployment_environment, '/', service_namespace, '/', cast({{ local_date(from_unix_us('activity_us')) }} as string))
            else actor_key
        end as entry_key,
    from touches
    where step_number = 1
),

step_1 as (
    select
        funnel,
        deployment_environment,
        service_namespace,
        actor_key,
        entry_key,
        session_key,
        is_in_order,
        window_us,
        event_key,
        activity_us as first_us,
        activity_us as step_us,
    from entries
    qualify row_number() over (
        partition by funnel, deployment_environment, service_namespace, entry_key
        order by activity_us, session_key, event_number
    ) = 1
),
{% for step in range(2, last_step + 1) %}
step_{{ step }} as (
    select
        earlier.funnel,
        earlier.deployment_environment,
        earlier.service_namespace,
        earlier.actor_key,
        earlier.entry_key,
        earlier.session_key,
        earlier.is_in_order,
        earlier.window_us,
        touches.event_key,
        earlier.first_us,
        touches.activity_us as step_us,
    from step_{{ step - 1 }} as earlier
    inner join touches
        on touches.actor_key = earlier.actor_key
        and touches.funnel = earlier.funnel
        and touches.deployment_environment = earlier.deployment_environment
        and touches.service_namespace = earlier.service_namespace
    where touches.step_number = {{ step }}
        and touches.activity_us >= case when earlier.is_in_order then earlier.step_us else earlier.first_us end
        and touches.activity_us <= earlier.first_us + earlier.window_us
        and touches.event_key != earlier.event_key
    qualify row_number() over (
        partition by earlier.funnel, earlier.deployment_environment, earlier.service_namespace, earlier.entry_key
        order by touches.activity_us, touches.session_key, touches.event_number
    ) = 1
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
        reached.entry_key,
        reached.session_key,
        reached.funnel,

        reached.deployment_environment,
        reached.service_namespace,
        steps.step_name,

        reached.step_number,
        reached.step_us - reached.first_us as since_first_step_us,

        bots.session_key is not null as is_bot,

        {{ from_unix_us('reached.step_us') }} as step_time,
        {{ from_unix_us('reached.first_us') }} as funnel_start_time,
        {{ from_unix_us('reached.first_us + reached.window_us') }} as window_end_time,
    from reached
    inner join steps
        on steps.funnel = reached.funnel
        and steps.step_number = reached.step_number
    left join bots
        on bots.session_key = reached.session_key
)

select * from final
where {{ in_dates('event_date') }}
