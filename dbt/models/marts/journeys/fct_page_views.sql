{{ config(meta={'days_before': 1, 'days_after': 1}) }}
-- A page view of this morning may belong to a session of last night, and one of tonight have vitals of tomorrow.
with facts as (
    select * from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact = 'page_view'
),

session_events as (
    select fact_key, session_key, page_number
    from {{ ref('int_session_events') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'page_view'
),

{{ bot_names('facts') }},

-- A page shown again from the browser's cache is another page load: the first one speaks for the page view.
first_vitals as (
    select page_view_key, vital_name, vital_value, rating
    from {{ ref('int_web_vitals') }}
    where {{ in_read_dates('event_date') }}
        and page_view_key is not null
    qualify row_number() over (partition by page_view_key, vital_name order by first_report_time, vital_key) = 1
),

vitals as (
    select
        page_view_key,
        max(case when vital_name = 'lcp' then vital_value end) as lcp_ms,
        max(case when vital_name = 'inp' then vital_value end) as inp_ms,
        max(case when vital_name = 'cls' then vital_value end) as cls,
        max(case when vital_name = 'fcp' then vital_value end) as fcp_ms,
        max(case when vital_name = 'ttfb' then vital_value end) as ttfb_ms,
        max(case when vital_name = 'lcp' then rating end) as lcp_rating,
        max(case when vital_name = 'inp' then rating end) as inp_rating,
        max(case when vital_name = 'cls' then rating end) as cls_rating,
    from first_vitals
    group by page_view_key
),

final as (
    select
        facts.event_date,

        {{ digest('facts.fact_key') }} as page_view_id,
        facts.trace_id,
        session_events.session_key,
        facts.actor_user_id as user_id,

        facts.deployment_environment,
        facts.service_namespace,
        facts.service_name,
        facts.service_version,
        facts.page_name,
        facts.page_url,
        facts.product_id,
        facts.user_agent_name,
        vitals.lcp_rating,
        vitals.inp_rating,
        vitals.cls_rating,

        session_events.page_number,
        facts.page_load_time_ms,
        vitals.lcp_ms,
        vitals.inp_ms,
        vitals.cls,
        vitals.fcp_ms,
        vitals.ttfb_ms,
        facts.signal_count,

        facts.is_error,
        facts.client_time is not null as is_seen_by_browser,
        facts.server_time is not null as is_seen_by_server,
        facts.user_agent_synthetic_type is not null or bot_names.bot_name is not null as is_bot,

        facts.fact_time as page_view_time,
    from facts
    left join session_events
        on session_events.fact_key = facts.fact_key
    left join vitals
        on vitals.page_view_key = facts.fact_key
    left join bot_names
        on bot_names.bot_name = facts.user_agent_name
)

select * from final
