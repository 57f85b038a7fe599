{{ config(meta={'days_before': 1, 'days_after': 1}) }}
{%- set gap_us = var('session_gap_minutes') * 60 * 1000000 %}
{%- set day_us = 24 * 60 * 60 * 1000000 %}
{%- set actor = 'deployment_environment, service_namespace, actor' %}
-- A session begins after a gap. One that runs on past midnight ends 24 hours after it began; one without a gap on the
-- whole day before ends at midnight. So a session needs its neighbour days, never more.
with facts as (
    select
        *,
        coalesce('session:' || actor_session_id, 'user:' || actor_user_id) as actor,
        case fact
            when 'page_view' then page_name
            when 'user_action' then event_name
            when 'login' then {{ outcome('login_status', 'null', 'is_error', 'is_named_a_failure') }}
            when 'registration' then 'registered'
            when 'order' then case when is_error then 'failed' else 'placed' end
        end as fact_name,
    from {{ ref('int_facts') }}
    where {{ in_read_dates('event_date') }}
        and fact in ('page_view', 'user_action', 'login', 'registration', 'order')
        and coalesce(actor_session_id, actor_user_id) is not null
),

-- A wrong browser clock shows where browser and server tell of the same fact.
clocks as (
    select
        *,
        min({{ us_between('client_time', 'server_time') }}) over (partition by {{ actor }}, event_date) as behind_us,
    from facts
),

timed as (
    select
        *,
        case
            when server_time is null and abs(behind_us) > {{ var('clock_skew_seconds') * 1000000 }}
                then {{ unix_us('client_time') }} + behind_us
            else {{ unix_us('fact_time') }}
        end as activity_us,
    from clocks
),

dated as (
    select
        *,
        {{ local_date(from_unix_us('activity_us')) }} as activity_date,
        mod(activity_us, {{ day_us }}) as day_time_us,
        activity_us - lag(activity_us) over (
            partition by {{ actor }}
            order by activity_us, row_ordinal, fact_key
        ) as pause_us,
    from timed
),

opened as (
    select
        *,
        max(case when pause_us is null or pause_us > {{ gap_us }} then activity_us end) over (
            partition by {{ actor }}, activity_date
            order by activity_us, row_ordinal, fact_key
            rows between unbounded preceding and current row
        ) as opened_us,
    from dated
),

last_opened as (
    select
        {{ actor }},
        {{ add_days('activity_date', '1') }} as next_date,
        max(opened_us) as yesterday_us,
    from opened
    where opened_us > activity_us - day_time_us + {{ gap_us }}
    group by {{ actor }}, next_date
),

continued as (
    select
        opened.*,
        case
            when opened_us is null and activity_us < yesterday_us + {{ day_us }} then yesterday_us
        end as continued_us,
    from opened
    left join last_opened
        on last_opened.deployment_environment = opened.deployment_environment
        and last_opened.service_namespace = opened.service_namespace
        and last_opened.actor = opened.actor
        and last_opened.next_date = opened.activity_date
),

started as (
    select
        *,
        coalesce(
            opened_us,
            continued_us,
            min(case when opened_us is null and continued_us is null then activity_us end) over (
                partition by {{ actor }}, activity_date
            )
        ) as session_start_us,
    from continued
),

final as (
    select
        {{ local_date(from_unix_us('session_start_us')) }} as event_date,

        {{ digest("deployment_environment || '/' || service_namespace || '/' || actor || '/' || cast(session_start_us as string)") }} as session_key,
        fact_key,
        trace_id,
        actor_session_id as session_id,
        actor_user_id as user_id,

        deployment_environment,
        service_namespace,
        fact,
        fact_name,
        page_name,
        product_id,
        user_agent_name,
        user_agent_synthetic_type,

        row_number() over (
            partition by {{ actor }}, session_start_us
            order by activity_us, row_ordinal, fact_key
        ) as event_number,
        count(case when fact = 'page_view' then 1 end) over (
            partition by {{ actor }}, session_start_us
            order by activity_us, row_ordinal, fact_key
            rows between unbounded preceding and current row
        ) as page_number,
        activity_us,

        is_error,

        {{ from_unix_us('session_start_us') }} as session_start_time,
        {{ from_unix_us('activity_us') }} as activity_time,
    from started
)

select * from final
where {{ in_dates('event_date') }}
